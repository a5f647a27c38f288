import "@tensorflow/tfjs-backend-cpu";
import type { Example, ExampleSource, Message, Processor, RgbImage } from "@imagine-opd/protocol";
import type { DecodingSession } from "@imagine-opd/protocol/policy";
import type { DecodingPolicy } from "@imagine-opd/rollout-sampler";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, expect, test } from "vitest";
import { evaluate } from "./evaluate.ts";
import { summarizeSamples } from "./evaluation-report.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

const words = ["", "<image>", "<answer>3</answer>", "<answer>4</answer>", "top left ", "nowhere "];
const [stop, image, three, four, topLeft, nowhere] = [0, 1, 2, 3, 4, 5] as const;

/** A picture of four pixels with values 10, 20 over 30, 40. */
const picture: RgbImage = {
  width: 2,
  height: 2,
  data: Uint8Array.from([10, 20, 30, 40].flatMap((value) => [value, value, value])),
};

/** The prompt is the question's number, then one placeholder for each picture; what was shown is kept. */
function createProcessor(): Processor & { readonly shown: RgbImage[][] } {
  const shown: RgbImage[][] = [];
  return {
    shown,
    encode(messages: readonly Message[]) {
      const parts = messages.flatMap(({ content }) => content);
      const asked = parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join(" ");
      const pictures = parts.flatMap((part) => (part.type === "image" ? [part.image] : []));
      shown.push(pictures);
      const tokenIds = Int32Array.of(Number(/question (\d)/.exec(asked)![1]), ...pictures.map(() => image));
      return {
        tokenIds,
        patches: pictures.map((_, i) => ({ key: String(i), values: new Float32Array(1), grid: [1, 1, 1] })),
      };
    },
    decode: (ids) => Array.from(ids, (id) => words[id]).join(""),
    stopTokenIds: [stop],
    placeholderTokenIds: [image],
    tokenCount: words.length,
    fingerprint: "processor",
  };
}

/** Says one script of its question with one picture, another one with two. */
function scriptedPolicy(scripts: Readonly<Record<number, readonly (readonly number[])[]>>): DecodingPolicy {
  return {
    vocabSize: words.length,
    contextLength: 32,
    startDecoding(prompts): DecodingSession {
      let said = 0;
      let rows = prompts.map(({ tokenIds }) => scripts[tokenIds[0]!]![tokenIds.length - 2]!);
      return {
        next(ids) {
          if (ids !== undefined) said += 1;
          const logits = rows.map((script) => words.map((_, id) => (id === script[said] ? 5 : 0)));
          return tf.tensor2d(logits, [rows.length, words.length]);
        },
        select(kept) {
          rows = Array.from(kept, (row) => rows[row]!);
        },
        append: () => {
          throw new Error("not needed");
        },
        lengths: new Int32Array(),
        dispose() {},
      };
    },
  };
}

function examples(count: number, changes: Partial<Example> = {}): ExampleSource {
  return {
    size: count,
    fingerprint: "source",
    load: async (index) => ({
      id: `r:${index}`,
      images: [picture],
      views: [],
      question: `question ${index}`,
      answer: "3",
      ...changes,
    }),
  };
}

const cells = { kind: "cells", rows: ["top", "bottom"], columns: ["left", "right"] } as const;
const options = {
  mode: "zoom",
  maxTokens: 6,
  seed: 1,
  zoom: { words: cells, crop: { padding: 0, minSide: 1, output: { kind: "fixed", width: 1, height: 1 } } },
} as const;

/** Names the cell and is wrong; with the cell it is right. Names none, and its first answer stands. Named, and still wrong. */
const scripts = {
  0: [
    [topLeft, four, stop],
    [three, stop],
  ],
  1: [[nowhere, three, stop]],
  2: [
    [topLeft, topLeft, three, stop],
    [four, stop],
  ],
};

test("the second turn is shown the cell that the first one named, and its answer counts", async () => {
  const processor = createProcessor();
  const before = tf.memory().numTensors;
  const report = await evaluate(scriptedPolicy(scripts), processor, examples(3), options);
  expect(tf.memory().numTensors).toBe(before);
  expect(report.samples.map(({ text, correct, firstTurn }) => [firstTurn?.text, text, correct])).toEqual([
    ["top left <answer>4</answer>", "<answer>3</answer>", true],
    [undefined, "nowhere <answer>3</answer>", true],
    ["top left top left <answer>3</answer>", "<answer>4</answer>", false],
  ]);
  expect(report.samples[0]!.firstTurn!.boxes).toEqual([{ left: 0, top: 0, right: 1, bottom: 1 }]);
  const views = processor.shown.filter((pictures) => pictures.length === 2).map(([, view]) => Array.from(view!.data));
  expect(views).toEqual([
    [10, 10, 10],
    [10, 10, 10],
  ]);
});

test("tokens, prompts and pictures of both turns are counted, and a recount is the report", async () => {
  const report = await evaluate(scriptedPolicy(scripts), createProcessor(), examples(3), { ...options, batchSize: 2 });
  const { mode, samples, sourceFingerprint, processorFingerprint, ...summary } = report;
  expect(summary).toMatchObject({
    correct: 2,
    zoomedRate: 2 / 3,
    meanTokens: (3 + 2 + 3 + (4 + 2)) / 3,
    meanPromptTokens: (2 + 3 + 2 + (2 + 3)) / 3,
  });
  expect(summarizeSamples(samples)).toEqual(summary);
  expect(summarizeSamples(samples.slice(1, 2))).not.toHaveProperty("zoomedRate");
});

test("what cannot be zoomed is refused and says why", async () => {
  const run = (source: ExampleSource, changes: object = {}, own: typeof scripts = scripts) =>
    evaluate(scriptedPolicy(own), createProcessor(), source, { ...options, ...changes });
  await expect(run(examples(1), { zoom: undefined })).rejects.toThrow("evaluation.evaluate: mode zoom needs `zoom`");
  await expect(run(examples(1, { images: [picture, picture] }))).rejects.toThrow(
    "mode zoom takes records with one picture, and record `r:0` has 2",
  );
  const silent = { ...scripts, 0: scripts[1] as unknown as (typeof scripts)[0] };
  await expect(run(examples(2), {}, silent)).rejects.toThrow(
    'mode zoom needs a model that names a cell, as "top left", and none of 2 completions did; the first was "nowhere <answer>3</answer>".',
  );
  const boxes = { zoom: { words: { kind: "box", space: "unit" }, crop: {} } };
  await expect(run(examples(1), boxes)).rejects.toThrow("needs a model that names a box in the space unit");
});
