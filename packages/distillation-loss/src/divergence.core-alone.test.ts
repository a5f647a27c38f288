import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { expect, test } from "vitest";
import { divergence, sampledReverseKl } from "./index.ts";

// Only core and one backend, as a first program would have it: no gradient of core is registered in this file.

test("losses on logits differentiate although core knows no gradient at all", async () => {
  await tf.setBackend("cpu");
  expect(tf.getGradient("Sum")).toBeUndefined();
  expect(tf.getGradient("RealDiv")).toBeUndefined();
  const student = tf.tensor2d([[0, Math.log(3)]]);
  const teacher = tf.tensor2d([[0, 0]]);
  // S = (1/4, 3/4), T = (1/2, 1/2): the gradient of the forward KL is S − T.
  const gradient = tf.grad((x) => divergence(x as tf.Tensor2D, teacher, { divergence: { kind: "forward-kl" } }).loss)(
    student,
  );
  expect(gradient.dataSync()[0]).toBeCloseTo(-0.25, 6);
  expect(gradient.dataSync()[1]).toBeCloseTo(0.25, 6);
  const sampled = tf.grad((x) => {
    const teacherLogProbs = Float32Array.of(Math.log(0.5));
    return sampledReverseKl(x as tf.Tensor2D, { tokens: Int32Array.of(1), teacherLogProbs }).loss;
  })(student);
  // −A (1[v = 1] − S_v) with A = ln ½ − ln ¾ = −0.405465
  expect(sampled.dataSync()[0]).toBeCloseTo(-0.101366, 6);
  expect(sampled.dataSync()[1]).toBeCloseTo(0.101366, 6);
});
