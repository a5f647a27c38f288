import "@tensorflow/tfjs-backend-cpu";
import { registerCoreGradients } from "@imagine-opd/tensor-ops";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, expect, test } from "vitest";
import { createToyPolicy, toyPrompt } from "./toy-policy.ts";

beforeAll(async () => {
  registerCoreGradients();
  await tf.setBackend("cpu");
});

const toy = (seed = 1) => createToyPolicy({ vocabSize: 11, hidden: 5, contextLength: 16, seed });
const plain = toyPrompt([1, 2, 3]);
const pictured = toyPrompt([4, 5], [0.5, -0.1, 0.9]);
const rowsOf = (tensor: tf.Tensor2D): number[][] => {
  const rows = tensor.arraySync();
  tensor.dispose();
  return rows;
};
const expectClose = (got: number[][], expected: number[][]) => {
  expect(got.length).toBe(expected.length);
  got.forEach((row, i) => {
    row.forEach((value, j) => {
      expect(value).toBeCloseTo(expected[i]![j]!, 5);
    });
  });
};

test("cached decoding gives the logits of completionStates, through select and append", () => {
  const policy = toy();
  const before = tf.memory().numTensors;
  const completions = [Int32Array.of(7, 8, 9, 10), Int32Array.of(3, 3, 0, 1)];
  const scored = [plain, pictured].map((prompt, i) => {
    const states = policy.completionStates([{ prompt, completion: completions[i]! }]);
    const logits = rowsOf(policy.head.logits(states));
    states.dispose();
    return logits;
  });
  const session = policy.startDecoding([plain]);
  expectClose(rowsOf(session.next()), [scored[0]![0]!]);
  expectClose(rowsOf(session.append([pictured])), [scored[1]![0]!]);
  expectClose(rowsOf(session.next(Int32Array.of(7, 3))), [scored[0]![1]!, scored[1]![1]!]);
  session.select(Int32Array.of(1, 0, 0));
  expectClose(rowsOf(session.next(Int32Array.of(3, 8, 8))), [scored[1]![2]!, scored[0]![2]!, scored[0]![2]!]);
  expect([...session.lengths]).toEqual([4, 5, 5]);
  session.dispose();
  session.dispose();
  expect(tf.memory().numTensors).toBe(before);
  policy.dispose();
});

test("gradients of embed (through the states) and of head (through backward) agree with finite differences", () => {
  const policy = toy();
  const sequences = [
    { prompt: plain, completion: Int32Array.of(2, 7) },
    { prompt: pictured, completion: Int32Array.of(1) },
  ];
  const weights = tf.randomUniform<tf.Rank.R2>([3, 6], -1, 1, "float32", 5);
  const loss = (): number =>
    tf.tidy(() => {
      const states = policy.completionStates(sequences);
      return tf.sum(tf.mul(policy.head.logits(states, { from: 2, to: 8 }), weights)).dataSync()[0]!;
    });
  const gradients = tf.tidy(() => {
    const states = policy.completionStates(sequences);
    const byHead = policy.head.backward(states, weights, { from: 2, to: 8 });
    const { grads } = tf.variableGrads(
      () => tf.sum(tf.mul(policy.completionStates(sequences), byHead.states)) as tf.Scalar,
      [policy.trainable.embed!],
    );
    return { embed: Object.values(grads)[0]!.dataSync(), head: byHead.trainable.head!.dataSync() };
  });
  for (const name of ["embed", "head"] as const) {
    const variable = policy.trainable[name]!;
    const original = variable.dataSync().slice();
    for (const index of [0, 8, 12, 17, 36, 39]) {
      const at = (delta: number): number => {
        const moved = original.slice();
        moved[index]! += delta;
        tf.tidy(() => variable.assign(tf.tensor(moved, variable.shape)));
        return loss();
      };
      const numeric = (at(0.01) - at(-0.01)) / 0.02;
      expect(Math.abs(numeric - gradients[name][index]!)).toBeLessThan(2e-3);
    }
    tf.tidy(() => variable.assign(tf.tensor(original, variable.shape)));
  }
  expect(gradients.head.slice(0, 10).every((value) => value === 0)).toBe(true);
  expect(gradients.head.some((value) => Math.abs(value) > 0.1)).toBe(true);
});

test("the seed decides the weights, pictures matter, and only when asked", () => {
  const first = (policy: ReturnType<typeof toy>, prompt = plain) => rowsOf(policy.startDecoding([prompt]).next());
  expect(first(toy(3))).toEqual(first(toy(3)));
  expect(first(toy(3))).not.toEqual(first(toy(4)));
  const bright = toyPrompt([4, 5], [2, 2]);
  expect(first(toy(), bright)).not.toEqual(first(toy(), pictured));
  const blind = createToyPolicy({ vocabSize: 11, seed: 1, imageSensitive: false });
  expect(first(blind, bright)).toEqual(first(blind, pictured));
});

test("features given by key are used instead of the pixels", () => {
  const policy = toy();
  const bright = toyPrompt([4, 5], [2, 2]);
  const disguised = { ...pictured, patches: [{ ...pictured.patches[0]!, key: bright.patches[0]!.key }] };
  const features = policy.encodeImages(bright.patches);
  const sequence = { prompt: disguised, completion: Int32Array.of(1) };
  const withFeatures = rowsOf(policy.completionStates([sequence], { features }));
  expect(withFeatures).toEqual(rowsOf(policy.completionStates([{ ...sequence, prompt: bright }])));
  expect(withFeatures).not.toEqual(rowsOf(policy.completionStates([sequence])));
  features.dispose();
  features.dispose();
});

test("replaced weights stand in for the student's; base and merged are refused", () => {
  const policy = toy(1);
  const other = toy(2);
  const sequence = [{ prompt: plain, completion: Int32Array.of(1, 2) }];
  const weights = { kind: "replaced", trainable: { ...other.trainable } } as const;
  expect(rowsOf(policy.completionStates(sequence, { weights }))).toEqual(rowsOf(other.completionStates(sequence)));
  const session = policy.startDecoding([plain], { weights });
  expect(rowsOf(session.next())).toEqual(rowsOf(other.startDecoding([plain]).next()));
  expect(() => policy.completionStates(sequence, { weights: { kind: "base" } })).toThrow(
    "toy-policy.weights: a policy without adapters has no view `base`.",
  );
  expect(() => policy.startDecoding([toyPrompt([11])])).toThrow("expected ids from 0 to 10, got 11.");
  expect(() => policy.startDecoding([toyPrompt(new Array(17).fill(1))])).toThrow("expected at most 16 tokens, got 17.");
});
