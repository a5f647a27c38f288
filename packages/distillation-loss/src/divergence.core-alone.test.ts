import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { expect, test } from "vitest";
import { createDenseHead } from "../test/dense-head.ts";
import {
  type DistillationResult,
  divergence,
  divergenceThroughHead,
  policyGradient,
  sampledReverseKl,
} from "./index.ts";

// Only core and one backend, as a first program would have it: no gradient of core is registered in this file.

const student = () => tf.tensor2d([[0, Math.log(3)]]);

function gradientOf(loss: (x: tf.Tensor2D) => DistillationResult): number[] {
  expect(tf.getGradient("Sum")).toBeUndefined();
  expect(tf.getGradient("RealDiv")).toBeUndefined();
  return [
    ...tf
      .grad((x) => loss(x as tf.Tensor2D).loss)(student())
      .dataSync(),
  ];
}

test("losses on logits differentiate although core knows no gradient at all", async () => {
  await tf.setBackend("cpu");
  // S = (1/4, 3/4), T = (1/2, 1/2): the gradient of the forward KL is S − T.
  const teacher = tf.tensor2d([[0, 0]]);
  const forward = gradientOf((x) => divergence(x, teacher, { divergence: { kind: "forward-kl" } }));
  expect(forward[0]).toBeCloseTo(-0.25, 6);
  expect(forward[1]).toBeCloseTo(0.25, 6);
  const teacherLogProbs = Float32Array.of(Math.log(0.5));
  const sampled = gradientOf((x) => sampledReverseKl(x, { tokens: Int32Array.of(1), teacherLogProbs }));
  // −A (1[v = 1] − S_v) with A = ln ½ − ln ¾ = −0.405465
  expect(sampled[0]).toBeCloseTo(-0.101366, 6);
  expect(sampled[1]).toBeCloseTo(0.101366, 6);
});

test("every option, on logits and through a head in chunks of the vocabulary, all with the same gradient", async () => {
  await tf.setBackend("cpu");
  const teacher = tf.tensor2d([[0, 0]]);
  const tokens = Int32Array.of(1);
  const options = {
    divergence: { kind: "skew-jsd", beta: 0.3, normalize: "endpoint" },
    // The top 1 and the tail are the whole vocabulary of two.
    topK: { support: "student", k: 1, mass: "tail" },
    clip: { kind: "preserve-direction", limit: 0.01 },
    tokens,
    importance: { samplingLogProbs: Float32Array.of(Math.log(0.75)), cap: 2 },
    temperatureScaling: "squared",
  } as const;
  const onLogits = gradientOf((x) => divergence(x, teacher, options));
  const head = createDenseHead(
    tf.tensor2d([
      [1, 0],
      [0, 1],
    ]),
    "frozen",
  );
  const throughHead = gradientOf((x) =>
    divergenceThroughHead(x, {
      ...options,
      head,
      trainable: {},
      teacher: { states: teacher, weights: { kind: "student" } },
      chunkVocabulary: 1,
    }),
  );
  expect(onLogits[0]).toBeLessThan(-1e-4);
  expect(onLogits[1]).toBeCloseTo(-onLogits[0]!, 7);
  expect(throughHead[0]).toBeCloseTo(onLogits[0]!, 7);
  const surrogate = gradientOf((x) =>
    policyGradient(x, { tokens, advantages: Float32Array.of(2), importance: options.importance }),
  );
  expect(surrogate[0]).toBeCloseTo(0.5, 6);
});
