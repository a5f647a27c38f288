import "@tensorflow/tfjs-backend-cpu";
import type { Policy } from "@imagine-opd/protocol/policy";
import { registerCoreGradients } from "@imagine-opd/tensor-ops";
import { createToyPolicy, toyPrompt } from "@imagine-opd/test-kit";
import * as tf from "@tensorflow/tfjs-core";
import { expect, test } from "vitest";
import { checkPolicy } from "./check-policy/check-policy.ts";
import { sampleRollouts } from "./sample-rollouts.ts";
import { openUncachedDecoding } from "./uncached-decoding.ts";

await tf.setBackend("cpu");
registerCoreGradients();

const cached = createToyPolicy({ vocabSize: 11, hidden: 6, contextLength: 40, seed: 1 });
const policy: Policy = {
  ...cached,
  startDecoding: (prompts, options) => openUncachedDecoding(cached, prompts, options),
};
const prompts = [toyPrompt([1, 2, 3]), toyPrompt([4, 5], [0.5, -0.1]), toyPrompt([6, 7, 8, 9, 1])];
const requests = prompts.map((prompt, i) => ({ recordId: `${i}`, prompt }));

test("the same tokens and log-probs as with a cache, with refill and several rollouts a prompt, and no tensor left", async () => {
  const options = { stopTokenIds: [0], maxTokens: 9, seed: 7, rolloutsPerPrompt: 3, batchSize: 4 };
  const before = tf.memory().numTensors;
  const [expected, got] = [
    await sampleRollouts(cached, requests, options),
    await sampleRollouts(policy, requests, options),
  ];
  expect(got.map(({ completion }) => [...completion])).toEqual(expected.map(({ completion }) => [...completion]));
  expect(new Set(got.map(({ completion }) => completion.length)).size).toBeGreaterThan(1);
  for (const [i, { logProbs }] of got.entries())
    for (const [t, logProb] of logProbs.entries()) expect(logProb).toBeCloseTo(expected[i]!.logProbs[t]!, 5);
  expect(tf.memory().numTensors).toBe(before);
});

test("a policy with it keeps the protocol: views, features, select and append", async () => {
  const { properties } = await checkPolicy(policy, prompts);
  expect(properties.find(({ name }) => name === "cached decoding")!.difference).toBeLessThan(1e-6);
  expect(properties.map(({ name }) => name)).toEqual(expect.arrayContaining(["select", "append", "weight view"]));
});

test.each<[string, () => unknown]>([
  ["at least one prompt is needed, and every prompt needs a token.", () => openUncachedDecoding(cached, [])],
  ["at least one prompt is needed", () => openUncachedDecoding(cached, [toyPrompt([])])],
  ["got 1 ids for 3 rows.", () => openUncachedDecoding(cached, prompts).next(Int32Array.of(1))],
  ["there is no row 3 of 3 to select.", () => openUncachedDecoding(cached, prompts).select(Int32Array.of(0, 3))],
])("%s", (message, run) => {
  expect(run).toThrow(`rollout-sampler.openUncachedDecoding: ${message}`);
});
