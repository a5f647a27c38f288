import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import type { Head } from "@imagine-opd/protocol/policy";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { scoreTopK } from "./score-top-k.ts";

/** A head whose states are the logits. */
const head: Head = {
  vocabSize: 5,
  trainable: [],
  logits: (states) => tf.clone(states),
  backward: () => {
    throw new Error("unused");
  },
};
const probabilities = [
  [0.1, 0.4, 0.05, 0.25, 0.2],
  [0.2, 0.1, 0.5, 0.15, 0.05],
  [0.3, 0.3, 0.2, 0.1, 0.1],
];
const student = { kind: "student" } as const;

describe.each(["cpu", "wasm"])("%s", (backend) => {
  let states: tf.Tensor2D;
  beforeAll(async () => {
    expect(await tf.setBackend(backend)).toBe(true);
    states = tf.tensor2d(probabilities.map((row) => row.map((p) => Math.log(p) + 3)));
  });
  afterAll(() => states.dispose());

  test.each([undefined, 1, 2])(
    "ids and log-probs of the whole distribution, in chunks of %s rows",
    async (chunkRows) => {
      const before = tf.memory().numTensors;
      const options = { head, weights: student, k: 3, ...(chunkRows && { chunkRows }) };
      const { ids, logProbs } = await scoreTopK(states, options);
      expect([...ids]).toEqual([1, 3, 4, 2, 0, 3, 0, 1, 2]); // equal ones: the lower id first
      [0.4, 0.25, 0.2, 0.5, 0.2, 0.15, 0.3, 0.3, 0.2].forEach((p, i) => {
        expect(logProbs[i]).toBeCloseTo(Math.log(p), 5);
      });
      expect(tf.memory().numTensors).toBe(before);
    },
  );

  test("temperature and bans", async () => {
    const banned = Int32Array.of(1, 2);
    const { ids, logProbs } = await scoreTopK(states, { head, weights: student, k: 1, temperature: 0.5, banned });
    expect([...ids]).toEqual([3, 0, 0]);
    // p ∝ p² over the ids that are left.
    [0.0625 / (0.01 + 0.0625 + 0.04), 0.04 / (0.04 + 0.0225 + 0.0025), 0.09 / 0.11].forEach((p, i) => {
      expect(logProbs[i]).toBeCloseTo(Math.log(p), 5);
    });
  });
});

test.each([0, 1.5, 5])("k = %d of 4 possible ids is refused", async (k) => {
  const states = tf.tensor2d(probabilities);
  await expect(scoreTopK(states, { head, weights: student, k, banned: Int32Array.of(0) })).rejects.toThrow(
    `privileged-teacher.score: \`k\` must be an integer from 1 to the 4 ids that are not banned, got ${k}.`,
  );
  states.dispose();
});
