import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chooseCrop, createSceneSource, openBackend } from "@imagine-opd/command-line";
import { openDirectory, writeDirectory } from "@imagine-opd/host/node";
import {
  parseAnswer,
  parseTrajectory,
  promptTemplates,
  studentMessages,
  teacherMessages,
} from "@imagine-opd/imagination-prompts";
import { randomStream } from "@imagine-opd/random-streams";
import { generateScene } from "@imagine-opd/region-datasets";
import { openModel, type VisionLanguageModel } from "@imagine-opd/vision-language-model";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { signPrompts } from "../scenes/sign-scenes.ts";
import { checkEvidence, concludeAnswer, describeEvidence } from "../scenes/sign-words.ts";
import { writeTinyCheckpoint } from "../tiny-model/write-tiny-checkpoint.ts";
import { type Exercise, encodeExercise } from "./exercise.ts";
import { isLarge, lessons } from "./lessons.ts";
import { createStageEnd, learningRateOf, warmUpModel } from "./warm-up-model.ts";

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
    const exercise = lesson(generateScene(0, 3), randomStream(1, name), chooseCrop({}, model))!;
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
    const { response } = lessons["list-digits"](scene, randomStream(1), chooseCrop({}, model))!;
    const labelled = response.filter(({ text, weight }) => weight > 0 && text !== " empty").length;
    expect(labelled).toBe(scene.objects.filter(isLarge).length);
  }
});

test("the student's questions are about large signs alone, the teacher's about any", () => {
  const sizes = (name: "ask-student" | "compare-student" | "compare-teacher") => {
    const seen = new Set<number>();
    for (let index = 0; index < 40; index++) {
      const scene = generateScene(0, index);
      const exercise = lessons[name](scene, randomStream(index), chooseCrop({}, model));
      const text = exercise?.response.map((piece) => piece.text).join("") ?? "";
      const named = scene.objects.filter(({ colour, shape }) => text.includes(`the ${colour} ${shape}`));
      for (const { glyphScale } of named) seen.add(glyphScale);
    }
    return [...seen].sort();
  };
  expect(sizes("ask-student")).toEqual([5]);
  expect(sizes("compare-student")).toEqual([5]);
  expect(sizes("compare-teacher")).toEqual([4, 5]);
});

/** The question of an exercise: the text of its user turn. */
const askedIn = (exercise: Exercise | undefined) =>
  exercise?.messages
    .flatMap(({ content }) => content.flatMap((part) => (part.type === "text" ? [part.text] : [])))
    .join();

test("the warm-up asks in the very tokens that training and evaluation use", async () => {
  const { processor } = model;
  const options = { glyphScale: [5, 5], seed: 0, count: 1 } as const;
  const templates = { ...promptTemplates, ...signPrompts };
  for (const [family, name] of [
    ["digit", "ask"],
    ["compare", "compare"],
  ] as const) {
    const source = createSceneSource({ ...options, family }, chooseCrop({}, model));
    const example = await source.load(0);
    const messages = {
      student: studentMessages(example, { imagination: "on", templates }),
      teacher: teacherMessages(example, {
        reveal: { evidence: true, groundTruth: false },
        templates,
      }),
    };
    for (const context of ["student", "teacher"] as const) {
      // The lesson that happens to ask what the scene asks.
      let exercise: Exercise | undefined;
      for (let draw = 0; askedIn(exercise) !== example.question; draw++)
        exercise = lessons[`${name}-${context}`](source.scene(0), randomStream(draw), chooseCrop({}, model));
      expect(processor.encode(messages[context])).toEqual(processor.encode(exercise!.messages));
      expect(checkEvidence(exercise!.response[0]!.text, source.scene(0).asked)).toEqual({ located: true, seen: true });
      expect(parseAnswer(exercise!.response[0]!.text).answer).toBe(example.answer);
    }
  }
});

test("evidence is true only in its very words", () => {
  const { asked, answer } = generateScene(0, 1, { family: "compare" });
  const text = describeEvidence(asked) + concludeAnswer(asked, answer);
  expect(checkEvidence(text, asked)).toEqual({ located: true, seen: true });
  expect(checkEvidence(text, [...asked].reverse())).toEqual({ located: false, seen: false });
  expect(checkEvidence(describeEvidence(asked.slice(0, 1)), asked)).toEqual({ located: false, seen: false });
  expect(parseTrajectory(text).moves.map(({ kind }) => kind)).toEqual(["locate", "invoke", "reveal", "commit"]);
});

test("a comparison is concluded from digits, its answer is the sign of the larger one", () => {
  const sign = (colour: "red" | "blue", digit: number) => ({ ...generateScene(0, 1).asked[0]!, colour, digit });
  const [red, blue] = [sign("red", 3), sign("blue", 8)];
  expect(concludeAnswer([red], "3")).toBe(" <answer>3</answer>");
  expect(concludeAnswer([red, blue], "blue circle")).toBe(" 3<8 . <answer> blue circle</answer>");
  expect(concludeAnswer([blue, red], "blue circle")).toBe(" 8>3 . <answer> blue circle</answer>");
});

test("a stage's rate rises, then falls to its last rate", () => {
  const stage = { name: "x", steps: 100, learningRate: 1e-3, lastLearningRate: 1e-4, parts: () => [] };
  expect(learningRateOf(stage, 0)).toBeCloseTo(2e-5, 10);
  expect(learningRateOf(stage, 50)).toBeCloseTo(5.5e-4, 10);
  expect(learningRateOf(stage, 99)).toBeCloseTo(1.09e-4, 10);
  expect(learningRateOf({ name: "x", steps: 100, learningRate: 1e-3, parts: () => [] }, 99)).toBeCloseTo(1e-3, 10);
});

test("a stage ends when its lesson is learned", () => {
  const stage = { name: "x", steps: 100, learningRate: 1e-3, parts: () => [] };
  const isLearned = createStageEnd({ ...stage, until: { lesson: "read-view", loss: 0.5 } });
  const ends = Array.from({ length: 30 }, (_, step) => isLearned({ "read-view": step < 10 ? 1 : 0.2 }));
  // After 13 steps at 0.2 the mean of the last twenty is 0.48.
  expect(ends.indexOf(true)).toBe(22);
  expect(createStageEnd(stage)({ "read-view": 0 })).toBe(false);
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
