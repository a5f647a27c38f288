import "@tensorflow/tfjs-backend-cpu";
import type { EncodedPrompt, Example, ExampleSource, Message, Processor } from "@imagine-opd/protocol";
import type { DecodingSession } from "@imagine-opd/protocol/policy";
import type { DecodingPolicy } from "@imagine-opd/rollout-sampler";
import { createToyPolicy } from "@imagine-opd/test-kit";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, expect, test } from "vitest";
import { evaluate, streamEvaluation } from "./evaluate.ts";
import { summarizeSamples } from "./evaluation-report.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

// Token i decodes to words[i]; 0 is the stop token, 1 the placeholder, the last is beyond the tokenizer.
const words = ["", "<image>", "<answer>", "</answer>", "3", "4", "red", "hm ", "?"];
const [stop, open, close, three, four, red, hm, beyond] = [0, 2, 3, 4, 5, 6, 7, 8] as const;

/** The prompt is the number in the question, then one placeholder for each picture. */
const processor: Processor = {
  encode(messages: readonly Message[]): EncodedPrompt {
    const parts = messages.flatMap(({ content }) => content);
    const asked = parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join(" ");
    const pictures = parts.flatMap((part) => (part.type === "image" ? [part.image] : []));
    const patches = pictures.map(({ data }) => ({
      key: data.join(),
      values: Float32Array.from(data, (byte) => (byte * byte) / 500),
      grid: [1, 1, 3] as const,
    }));
    return { tokenIds: Int32Array.of(Number(/question (\d)/.exec(asked)![1]), ...pictures.map(() => 1)), patches };
  },
  decode: (ids) => Array.from(ids, (id) => words[id]).join(""),
  stopTokenIds: [stop],
  placeholderTokenIds: [1],
  tokenCount: 8,
  fingerprint: "processor",
};

const scripts: readonly (readonly number[])[] = [
  [open, three, close, stop],
  [hm, open, four, close, stop],
  [red, hm, stop],
  [hm, hm, hm, hm, hm, hm, hm],
  [open, red, close, stop],
];

/** Says the script of its question; would rather say banned tokens. */
function scriptedPolicy(): DecodingPolicy & { readonly sessions: { open: number; prefilled: number } } {
  const sessions = { open: 0, prefilled: 0 };
  const startDecoding = (prompts: readonly EncodedPrompt[]): DecodingSession => {
    sessions.open += 1;
    sessions.prefilled += prompts.length;
    let rows = prompts.map(({ tokenIds }) => ({ script: scripts[tokenIds[0]!]!, said: 0, length: tokenIds.length }));
    return {
      next(ids) {
        if (ids !== undefined) rows = rows.map((row) => ({ ...row, said: row.said + 1, length: row.length + 1 }));
        const logits = rows.map(({ script, said }) =>
          words.map((_, id) => (id === 1 || id === beyond ? 9 : id === script[said] ? 5 : 0)),
        );
        return tf.tensor2d(logits, [rows.length, words.length]);
      },
      select(kept) {
        rows = Array.from(kept, (row) => rows[row]!);
      },
      append: () => {
        throw new Error("not needed");
      },
      get lengths() {
        return Int32Array.from(rows, ({ length }) => length);
      },
      dispose: () => {
        sessions.open -= 1;
      },
    };
  };
  return { vocabSize: words.length, contextLength: 32, startDecoding, sessions };
}

const answers = ["3", "3", "red", "3", "Red."];

function examples(changes: (index: number) => Partial<Example> = () => ({})): ExampleSource {
  const image = { width: 1, height: 1, data: Uint8Array.of(10, 20, 30) };
  return {
    size: answers.length,
    fingerprint: "source",
    load: async (index) => ({
      id: `r:${index}`,
      images: [image],
      views: [image],
      question: `question ${index}`,
      answer: answers[index]!,
      category: index < 2 ? "digit" : "colour",
      ...changes(index),
    }),
  };
}

const options = { mode: "imagine", maxTokens: 6, seed: 1 } as const;

test("every example counts: right, wrong, without a tag, cut off", async () => {
  const policy = scriptedPolicy();
  const before = tf.memory().numTensors;
  const report = await evaluate(policy, processor, examples(), { ...options, batchSize: 2 });
  expect(tf.memory().numTensors).toBe(before);
  expect(policy.sessions).toEqual({ open: 0, prefilled: 5 });
  expect(
    report.samples.map(({ id, text, answer, correct, parsed, stopReason }) => [
      id,
      text,
      answer,
      correct,
      parsed,
      stopReason,
    ]),
  ).toEqual([
    ["r:0", "<answer>3</answer>", "3", true, true, "stop"],
    ["r:1", "hm <answer>4</answer>", "4", false, true, "stop"],
    ["r:2", "redhm ", undefined, false, false, "stop"],
    ["r:3", "hm hm hm hm hm hm ", undefined, false, false, "length"],
    ["r:4", "<answer>red</answer>", "red", true, true, "stop"],
  ]);
  expect(report).toMatchObject({
    mode: "imagine",
    total: 5,
    correct: 2,
    accuracy: 0.4,
    unparsable: 2,
    unparsableRate: 0.4,
    truncatedRate: 0.2,
    meanTokens: (4 + 5 + 3 + 6 + 4) / 5,
    meanPromptTokens: 2,
    categories: { colour: { correct: 1, total: 3 }, digit: { correct: 1, total: 2, accuracy: 0.5 } },
    sourceFingerprint: "source",
    processorFingerprint: "processor",
  });
  expect(report.interval.low).toBeCloseTo(0.117621, 6);
  expect(report.interval.high).toBeCloseTo(0.769276, 6);
});

test("tokens and log-probs are the policy's own: the softmax before bans", async () => {
  const { samples } = await evaluate(scriptedPolicy(), processor, examples(), { ...options, limit: 1 });
  const total = 2 * Math.exp(9) + Math.exp(5) + 6;
  expect(Array.from(samples[0]!.tokenIds)).toEqual(scripts[0]);
  for (const logProb of samples[0]!.logProbs) expect(logProb).toBeCloseTo(5 - Math.log(total), 5);
});

test("a recount of the samples is the report", async () => {
  const report = await evaluate(scriptedPolicy(), processor, examples(), options);
  const { mode, samples, sourceFingerprint, processorFingerprint, ...summary } = report;
  expect(summarizeSamples(samples)).toEqual(summary);
  expect(() => summarizeSamples([])).toThrow("evaluation.summarizeSamples: expected at least one sample, got none.");
});

test("the stream tells of each sample in order and ends with the report", async () => {
  const events = [];
  for await (const event of streamEvaluation(scriptedPolicy(), processor, examples(), {
    ...options,
    batchSize: 2,
    limit: 3,
  })) {
    events.push(
      event.type === "sample-graded" ? `${event.sample.id} ${event.done}/${event.total}` : event.report.total,
    );
  }
  expect(events).toEqual(["r:0 1/3", "r:1 2/3", "r:2 3/3", 3]);
});

test("aliases and options come through `reference`", async () => {
  const choices = [
    { key: "A", text: "3" },
    { key: "B", text: "4" },
  ];
  const { samples } = await evaluate(scriptedPolicy(), processor, examples(), {
    ...options,
    limit: 2,
    reference: () => ({ text: "4", choices, key: "B" }),
  });
  expect(samples.map(({ correct, reference }) => [correct, reference])).toEqual([
    [false, "4"],
    [true, "4"],
  ]);
});

test("a model that looks at its pictures: modes differ, batches do not, and nothing leaks", async () => {
  const policy = createToyPolicy({ vocabSize: words.length, seed: 4 });
  const run = (changes: object) => evaluate(policy, processor, examples(), { ...options, temperature: 1, ...changes });
  const before = tf.memory().numTensors;
  const one = await run({ batchSize: 1 });
  expect(await run({ batchSize: 5 })).toEqual(one);
  expect((await run({ seed: 2 })).samples).not.toEqual(one.samples);
  expect((await run({ mode: "blank" })).samples[0]!.logProbs).not.toEqual(one.samples[0]!.logProbs);
  expect((await run({ mode: "oracle" })).samples[0]).toMatchObject({ promptImages: 2, promptTokens: 3 });
  expect(tf.memory().numTensors).toBe(before);
  policy.dispose();
});

test("what cannot be evaluated stops the evaluation instead of leaving the count", async () => {
  const run = (source: ExampleSource, changes: object = {}) =>
    evaluate(scriptedPolicy(), processor, source, { ...options, ...changes });
  await expect(run(examples((index) => (index === 3 ? { answer: undefined } : {})))).rejects.toThrow(
    "evaluation.evaluate: record `r:3` has no labelled answer to grade against.",
  );
  await expect(
    run(
      examples(() => ({ views: [] })),
      { mode: "oracle" },
    ),
  ).rejects.toThrow("record `r:0` has none");
  await expect(run({ ...examples(), size: 0 })).rejects.toThrow("an empty source has nothing to evaluate");
  await expect(run(examples(), { batchSize: 0 })).rejects.toThrow("`batchSize` must be a whole number above 0, got 0");
  await expect(run(examples(), { maxTokens: 31 })).rejects.toThrow("the policy's context holds 32");
});

test("an abort stops between batches, and leaving the stream frees the session", async () => {
  const controller = new AbortController();
  const policy = scriptedPolicy();
  const before = tf.memory().numTensors;
  const seen: string[] = [];
  const reading = (async () => {
    const stream = streamEvaluation(policy, processor, examples(), {
      ...options,
      batchSize: 2,
      signal: controller.signal,
    });
    for await (const event of stream) {
      if (event.type === "sample-graded") seen.push(event.sample.id);
      controller.abort();
    }
  })();
  await expect(reading).rejects.toThrow("stopped by the caller's AbortSignal");
  expect(seen).toEqual(["r:0", "r:1"]);
  for await (const _ of streamEvaluation(policy, processor, examples(), options)) break;
  expect(policy.sessions.open).toBe(0);
  expect(tf.memory().numTensors).toBe(before);
});
