import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, expect, test } from "vitest";
import { createDenseHead } from "../test/dense-head.ts";
import { largestDifference } from "../test/evaluate-loss.ts";
import { entropyOf, logSoftmax, randomRows, softmax } from "../test/reference.ts";
import { tokenLogProbs } from "./index.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

const rows = randomRows(1, 5, 3);
const matrix = randomRows(2, 6, 3);
const tokens = Int32Array.of(0, 5, 2, 2, 4);
const logits = rows.map((row) => matrix.map((each) => each.reduce((sum, w, d) => sum + w * row[d]!, 0)));

test("log-probs and entropies against the reference, in chunks of any size, and nothing leaks", async () => {
  const [states, weight] = [tf.tensor2d(rows), tf.tensor2d(matrix)];
  const before = tf.memory().numTensors;
  const pieces = [[1], [2], [5], [9], [2, 1], [3, 4], [5, 6], [5, 7]] as const;
  for (const [chunkRows, chunkVocabulary = 6] of pieces) {
    const head = createDenseHead(weight, "frozen");
    const scores = await tokenLogProbs(states, { head, tokens, temperature: 1.7, chunkRows, chunkVocabulary });
    const expected = logits.map((row, i) => logSoftmax(row, 1.7)[tokens[i]!]!);
    expect(largestDifference([[...scores.logProbs]], [expected])).toBeLessThan(1e-6);
    expect(largestDifference([[...scores.entropy]], [logits.map((row) => entropyOf(softmax(row, 1.7)))])).toBeLessThan(
      1e-6,
    );
    expect(Math.max(...head.logitsRows)).toBeLessThanOrEqual(chunkRows);
    expect(Math.max(...head.logitsColumns)).toBeLessThanOrEqual(chunkVocabulary);
    expect(head.backwardRows).toEqual([]);
    expect(tf.memory().numTensors).toBe(before);
  }
});

test("other weights, banned ids, and a call inside a tidy", async () => {
  const head = createDenseHead(tf.zeros([6, 3]), "frozen");
  const weights = { kind: "merged", weights: { "head.weight": tf.tensor2d(matrix) } } as const;
  let pending!: ReturnType<typeof tokenLogProbs>;
  tf.tidy(() => {
    pending = tokenLogProbs(tf.tensor2d(rows), { head, tokens, weights, banned: Int32Array.of(1) });
  });
  const { logProbs } = await pending;
  const expected = logits.map((row, i) => logSoftmax(row.map((z, v) => (v === 1 ? -1e3 : z)))[tokens[i]!]!);
  expect(largestDifference([[...logProbs]], [expected])).toBeLessThan(1e-6);
});

test("no rows give empty arrays; an id outside the vocabulary is refused", async () => {
  const head = createDenseHead(tf.tensor2d(matrix), "frozen");
  const empty = await tokenLogProbs(tf.zeros([0, 3]), { head, tokens: new Int32Array(0) });
  expect(empty.logProbs).toHaveLength(0);
  await expect(tokenLogProbs(tf.zeros([1, 3]), { head, tokens: Int32Array.of(6) })).rejects.toThrow(
    "distillation-loss.tokenLogProbs: tokens must be ids from 0 to 5, got 6 at row 0.",
  );
});
