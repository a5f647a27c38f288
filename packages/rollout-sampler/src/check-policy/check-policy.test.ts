import "@tensorflow/tfjs-backend-cpu";
import type { DecodingSession, Policy } from "@imagine-opd/protocol/policy";
import { registerCoreGradients } from "@imagine-opd/tensor-ops";
import { createToyPolicy, toyPrompt } from "@imagine-opd/test-kit";
import * as tf from "@tensorflow/tfjs-core";
import { afterEach, beforeAll, expect, test } from "vitest";
import { checkPolicy } from "./check-policy.ts";
import { type PolicyProperty, policyProperties } from "./policy-report.ts";

beforeAll(async () => {
  registerCoreGradients();
  await tf.setBackend("cpu");
});

const prompts = [toyPrompt([1, 2, 3, 4]), toyPrompt([5, 6], [0.5, -0.2]), toyPrompt([7, 8, 2], [0.9])];
const open = () => createToyPolicy({ vocabSize: 13, hidden: 6, contextLength: 12, seed: 4 });
afterEach(() => {
  tf.disposeVariables();
});

test("a right policy passes everything, keeps its weights bit for bit and its tensors", async () => {
  const policy = open();
  const weights = Object.values(policy.trainable).map((variable) => variable.dataSync().slice());
  const before = tf.memory().numTensors;
  const { properties, silentWeights } = await checkPolicy(policy, prompts);
  expect(properties.map(({ name }) => name)).toEqual([...policyProperties]);
  for (const { difference, tolerance } of properties) expect(difference).toBeLessThanOrEqual(tolerance);
  expect(properties.find(({ name }) => name === "weight gradients")!.difference).toBeGreaterThan(0);
  expect(silentWeights).toEqual([]);
  expect(Object.values(policy.trainable).map((variable) => variable.dataSync())).toEqual(weights);
  expect(tf.memory().numTensors).toBe(before);
});

test("a weight that the logits do not depend on is reported, not refused", async () => {
  const policy = open();
  const idle = tf.variable(tf.ones([3]));
  const { silentWeights } = await checkPolicy({ ...policy, trainable: { ...policy.trainable, idle } }, prompts);
  expect(silentWeights).toEqual(["idle"]);
});

test("a policy for inference alone, without trainable weights, passes", async () => {
  const policy = open();
  const head = {
    ...policy.head,
    trainable: [],
    backward: (...call: Parameters<typeof policy.head.backward>) => {
      const { states, trainable } = policy.head.backward(...call);
      tf.dispose(trainable);
      return { states, trainable: {} };
    },
  };
  const { properties, silentWeights } = await checkPolicy({ ...policy, trainable: {}, head }, prompts);
  expect(properties).toHaveLength(policyProperties.length);
  expect(silentWeights).toEqual([]);
});

/** A policy whose sessions are changed. */
function withSessions(
  policy: Policy,
  change: (session: DecodingSession, rows: number) => Partial<DecodingSession>,
): Policy {
  return {
    ...policy,
    startDecoding(given, options) {
      const session = policy.startDecoding(given, options);
      return Object.create(session, Object.getOwnPropertyDescriptors(change(session, given.length)));
    },
  };
}

const scale = (tensor: tf.Tensor2D, factor: number) => tf.mul<tf.Tensor2D>(tensor, factor);

const faults: [PolicyProperty, string, (policy: Policy) => Policy][] = [
  ["sizes", "a head of another vocabulary", (policy) => ({ ...policy, head: { ...policy.head, vocabSize: 12 } })],
  ["sizes", "lengths that do not grow", (policy) => withSessions(policy, () => ({ lengths: Int32Array.of(4, 2, 3) }))],
  [
    "cached decoding",
    "a cache that loses the token",
    (policy) => withSessions(policy, (session) => ({ next: (ids) => session.next(ids?.map(() => 0)) })),
  ],
  [
    "batch independence",
    "numbers that depend on the number of rows",
    (policy) =>
      withSessions(policy, (session, rows) => ({ next: (ids) => scale(session.next(ids), 1 + (rows - 1) / 100) })),
  ],
  [
    "select",
    "rows that are only counted",
    (policy) => withSessions(policy, (session) => ({ select: (rows) => session.select(rows.map((_, i) => i % 3)) })),
  ],
  [
    "append",
    "a prompt that enters without its picture",
    (policy) =>
      withSessions(policy, (session) => ({
        append: (given) => session.append(given.map((prompt) => ({ ...prompt, patches: [] }))),
      })),
  ],
  [
    "image features",
    "features of the pictures in another order",
    (policy) => ({
      ...policy,
      encodeImages: (patches, options) => {
        const reversed = patches.map((patch, i) => ({ ...patch, values: patches[patches.length - 1 - i]!.values }));
        return policy.encodeImages(reversed, options);
      },
    }),
  ],
  [
    "weight view",
    "a body and a head that ignore replaced weights",
    (policy) => ({
      ...policy,
      completionStates: (sequences) => policy.completionStates(sequences),
      head: { ...policy.head, logits: (states, { weights: _, ...slice } = {}) => policy.head.logits(states, slice) },
    }),
  ],
  [
    "weight view",
    "sessions that ignore replaced weights",
    (policy) => ({
      ...policy,
      startDecoding: (given, { features } = {}) => policy.startDecoding(given, features && { features }),
    }),
  ],
  [
    "no divergence",
    "replaced weights with another rounding",
    (policy) => ({
      ...policy,
      head: {
        ...policy.head,
        logits: (states, options = {}) =>
          scale(policy.head.logits(states, options), options.weights?.kind === "replaced" ? 1.05 : 1),
      },
      startDecoding: (given, options) => {
        const session = policy.startDecoding(given, options);
        if (options?.weights?.kind !== "replaced") return session;
        return Object.assign(Object.create(session), { next: (ids?: Int32Array) => scale(session.next(ids), 1.05) });
      },
    }),
  ],
  [
    "head slices",
    "a slice that begins at 0",
    (policy) => ({
      ...policy,
      head: {
        ...policy.head,
        logits: (states, { from = 0, to = 13, ...rest } = {}) =>
          policy.head.logits(states, { ...rest, from: 0, to: to - from }),
      },
    }),
  ],
  [
    "head gradient",
    "a backward that is a tenth too large",
    (policy) => ({
      ...policy,
      head: {
        ...policy.head,
        backward: (states, dLogits, options) => {
          const { states: ofStates, trainable } = policy.head.backward(states, dLogits, options);
          return { states: scale(ofStates, 1.1), trainable };
        },
      },
    }),
  ],
  [
    "weight gradients",
    "states that leave the tape",
    (policy) => ({
      ...policy,
      completionStates: (sequences, options) => tf.tensor2d(policy.completionStates(sequences, options).arraySync()),
    }),
  ],
  [
    "weight gradients",
    "a gradient that is a tenth too small",
    (policy) => ({
      ...policy,
      completionStates: (sequences, options) =>
        tf.customGrad((x) => ({
          value: tf.clone(x as tf.Tensor2D),
          gradFunc: (dy) => [scale(dy as tf.Tensor2D, 0.9)],
        }))(policy.completionStates(sequences, options)) as tf.Tensor2D,
    }),
  ],
  [
    "no leak",
    "a session that keeps its logits",
    (policy) => withSessions(policy, (session) => ({ next: (ids) => tf.clone(session.next(ids)) })),
  ],
];

test.each(faults)("%s: found in a policy with %s", async (property, _fault, plant) => {
  await expect(checkPolicy(plant(open()), prompts)).rejects.toMatchObject({
    code: "mismatch",
    details: { property },
    message: expect.stringContaining(`rollout-sampler.checkPolicy: the property "${property}" does not hold: `),
  });
});

test("a missing gradient is named by its weight", async () => {
  const detached = faults.find(([, fault]) => fault.startsWith("states that leave"))![2];
  await expect(checkPolicy(detached(open()), prompts)).rejects.toThrow(
    'no gradient arrives at "embed", and the logits depend on it.',
  );
});

test("too few prompts, too long ones and a vocabulary without tokens are refused", async () => {
  await expect(checkPolicy(open(), prompts.slice(1, 2))).rejects.toThrow("expected at least two prompts, got 1.");
  const long = toyPrompt(new Array(10).fill(1));
  await expect(checkPolicy(open(), [...prompts, long])).rejects.toThrow(
    "prompts of 10 tokens and 3 more exceed the context of 12.",
  );
  const bannedTokenIds = Array.from({ length: 13 }, (_, id) => id);
  await expect(checkPolicy(open(), prompts, { bannedTokenIds })).rejects.toThrow("leaves none of the 13 tokens.");
});
