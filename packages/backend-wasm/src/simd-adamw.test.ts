import { createAdamW } from "@imagine-opd/optim";
import { adamWUpdate } from "@imagine-opd/tensor-ops";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, expect, it } from "vitest";
import { closeWasmBackend, openWasmBackend } from "./index.ts";

afterAll(() => closeWasmBackend());

const lengths = [1, 3, 4, 5, 64, 101];

const wave = (length: number, phase: number) =>
  tf.tensor1d(Float32Array.from({ length }, (_, i) => Math.sin(phase + 1.3 * i) * (i % 7 === 0 ? 1e-12 : 1)));

/** Weights and running averages of every length after three updates, and the kernels of one more. */
async function train(): Promise<{ readonly values: readonly Float32Array[]; readonly kernels: readonly string[] }> {
  const variables = Object.fromEntries(lengths.map((length) => [`of${length}`, tf.variable(wave(length, 1))]));
  const optimizer = createAdamW(variables, { weightDecay: 0.1 });
  const gradients = (step: number) =>
    Object.fromEntries(lengths.map((length) => [`of${length}`, wave(length, 2 + step)]));
  for (let step = 0; step < 3; step++) {
    tf.tidy(() => optimizer.step(gradients(step), { learningRate: 0.01, gradientScale: step === 1 ? 0.3 : 1 }));
  }
  const { moments } = await optimizer.exportState();
  const weights = Object.values(variables).map((variable) => variable.dataSync().slice() as Float32Array);
  const averages = Object.values(moments).flatMap(({ first, second }) => [first, second]);
  const { kernels } = await tf.profile(() => tf.tidy(() => optimizer.step(gradients(3))));
  optimizer.dispose();
  tf.dispose(variables);
  return { values: [...weights, ...averages], kernels: kernels.map(({ name }) => name) };
}

it("AdamW in one pass gives the bits of the composed update, with one kernel a variable", async () => {
  await openWasmBackend({ kernels: "javascript" });
  const composed = await train();
  await openWasmBackend();
  const fused = await train();
  expect(fused.values).toEqual(composed.values);
  expect(composed.kernels).toContain("Sqrt");
  expect(fused.kernels).toEqual(lengths.map(() => "OpdAdamW"));
});

it("refuses tensors of other shapes or types before compiled code reads them", async () => {
  await openWasmBackend();
  const scalars = { gradientScale: 1, decay: 1, firstRate: 1, secondKeep: 1, secondRate: 1, epsilon: 1, stepSize: 1 };
  const run = (weight: tf.Tensor, gradient: tf.Tensor, first: tf.Tensor, second: tf.Tensor) =>
    adamWUpdate({ weight, first, second }, gradient, scalars);
  tf.tidy(() => {
    const x = tf.ones([2, 3]);
    expect(() => run(x, tf.ones([6]), x, x)).toThrow("the gradient must have shape [2,3], got [6]");
    expect(() => run(x, x, x, tf.ones([3, 2]))).toThrow("the second average must have shape [2,3], got [3,2]");
    expect(() => run(x, tf.ones([2, 3], "int32"), x, x)).toThrow("only float32 is supported, got int32");
  });
});
