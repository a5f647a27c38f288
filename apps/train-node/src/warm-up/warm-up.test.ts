import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openBackend } from "@imagine-opd/command-line";
import { openDirectory, writeDirectory } from "@imagine-opd/host/node";
import { randomStream } from "@imagine-opd/random-streams";
import { generateScene } from "@imagine-opd/region-datasets";
import { openModel, type VisionLanguageModel } from "@imagine-opd/vision-language-model";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeTinyCheckpoint } from "../tiny-model/write-tiny-checkpoint.ts";
import { encodeExercise } from "./exercise.ts";
import { isLarge, lessons } from "./lessons.ts";
import { warmUpModel } from "./warm-up-model.ts";

let home: string;
let model: VisionLanguageModel;
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), "imagine-opd-warm-up-"));
  await writeDirectory(join(home, "model"), (sink) => writeTinyCheckpoint(sink, { seed: 2 }));
  await openBackend("wasm");
  model = await openModel(openDirectory(join(home, "model")), { trainable: { kind: "full", vision: "trainable" } });
});
afterAll(() => {
  model.dispose();
  rmSync(home, { recursive: true, force: true });
});

test("every lesson's pieces tokenise as its whole text does, and its words are single tokens", () => {
  for (const [name, lesson] of Object.entries(lessons)) {
    const exercise = lesson(generateScene(0, 3), randomStream(1, name), 64);
    const { completion, weights } = encodeExercise(exercise, model.processor);
    const whole = exercise.response.map(({ text }) => text).join("");
    expect([...completion.slice(0, -1)], name).toEqual([...model.processor.tokenize(whole)]);
    expect(weights.length).toBe(completion.length);
    const words = whole.match(/\p{L}+/gu)!;
    expect(words.map((word) => model.processor.tokenize(` ${word}`).length)).toEqual(words.map(() => 1));
  }
});

test("digits of small signs are never labelled in the whole picture", () => {
  for (let index = 0; index < 20; index++) {
    const scene = generateScene(0, index);
    const { response } = lessons["list-digits"](scene, randomStream(1), 64);
    const labelled = response.filter(({ text, weight }) => weight > 0 && text !== " empty").length;
    expect(labelled).toBe(scene.objects.filter(isLarge).length);
  }
});

test("a few steps lower the loss and leave no tensor behind", async () => {
  const stage = {
    name: "views",
    steps: 8,
    learningRate: 1e-2,
    parts: () => [{ lesson: "read-view", count: 4, weight: 1 } as const],
  };
  const losses: number[] = [];
  let tensors = 0;
  for await (const event of warmUpModel(model, [stage], { seed: 0 })) {
    losses.push(event.losses["read-view"]!);
    if (event.step === 1) tensors = tf.memory().numTensors;
    expect(tf.memory().numTensors).toBe(tensors);
  }
  expect(losses.at(-1)).toBeLessThan(losses[0]! - 0.3);
}, 60_000);
