import { registerCoreGradients } from "@imagine-opd/tensor-ops";
import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import * as tf from "@tensorflow/tfjs-core";
import { expect } from "vitest";
import { drawnNumbers } from "../../../test-kit/src/drawn-tensor.ts";
import { registerFusedKernels } from "../src/kernels/index.ts";

/** An op, the shapes of its differentiable inputs and constants that it takes after them. */
export interface ParityCase {
  readonly name: string;
  readonly shapes: readonly (readonly number[])[];
  /** Factor of the numbers, which lie in [−1, 1). @default 1 */
  readonly spread?: number;
  readonly op: (...inputs: tf.Tensor[]) => tf.Tensor;
}

export const tensor = (shape: readonly number[], seed: number, spread = 1): tf.Tensor =>
  tf.tidy(() => {
    const values = drawnNumbers(tf.util.sizeFromShape([...shape]), seed).map((value) => value * spread);
    return tf.tensor(values, [...shape]);
  });

/** tfjs's WebGPU backend, with our kernels and without its computing small tensors on the CPU. */
export async function startWebgpu(): Promise<WebGPUBackend> {
  await tf.setBackend("webgpu");
  tf.env().set("WEBGPU_CPU_FORWARD", false);
  registerCoreGradients();
  registerFusedKernels();
  return tf.backend() as WebGPUBackend;
}

/** Runs on WebGPU. Errors of shaders throw nothing in tfjs, so they are collected; nothing may be left behind. */
export async function onWebgpu<Result>(run: () => Promise<Result>): Promise<Result> {
  await tf.setBackend("webgpu");
  const backend = tf.backend() as WebGPUBackend;
  const before = { tensors: tf.memory().numTensors, data: backend.numDataIds() };
  backend.device.pushErrorScope("validation");
  const result = await run();
  const error = await backend.device.popErrorScope();
  expect(error?.message).toBeUndefined();
  expect({ tensors: tf.memory().numTensors, data: backend.numDataIds() }).toEqual(before);
  return result;
}

/** Reads tensors and disposes them. */
export async function take(tensors: readonly tf.Tensor[]): Promise<Float32Array[]> {
  const values = await Promise.all(tensors.map(async (each) => (await each.data()) as Float32Array));
  tf.dispose([...tensors]);
  return values;
}

/** The value, and the gradients of a weighted sum of it, on the backend that is set. */
export function evaluate({ shapes, spread, op }: ParityCase): Promise<Float32Array[]> {
  return take(
    tf.tidy(() => {
      const inputs = shapes.map((shape, i) => tensor(shape, i + 1, spread));
      const value = op(...inputs);
      const weights = tensor(value.shape, 20);
      return [value, ...tf.grads((...x) => tf.sum(tf.mul(op(...x), weights)))(inputs)];
    }),
  );
}

/** Differences are relative to the largest number expected (at least 1), and NaN stands where NaN is expected. */
export function expectClose(got: readonly Float32Array[], expected: readonly Float32Array[], tolerance = 1e-5): void {
  expect(got.length).toBe(expected.length);
  got.forEach((values, which) => {
    const other = expected[which]!;
    expect(values.length, `result ${which}`).toBe(other.length);
    const scale = other.reduce((most, value) => (Number.isNaN(value) ? most : Math.max(most, Math.abs(value))), 1);
    const differences = values.map((value, i) =>
      Number.isNaN(value) && Number.isNaN(other[i]) ? 0 : Math.abs(value - other[i]!) / scale,
    );
    const wrong = differences.findIndex((difference) => !(difference < tolerance));
    expect(wrong, `result ${which}: ${values[wrong]} instead of ${other[wrong]}, position`).toBe(-1);
  });
}

/** The same on WebGPU and composed on the CPU, and on WebGPU twice the same bits. */
export async function expectParity(one: ParityCase): Promise<void> {
  const fused = await onWebgpu(() => evaluate(one));
  expect(await onWebgpu(() => evaluate(one))).toEqual(fused);
  await tf.setBackend("cpu");
  expectClose(fused, await evaluate(one));
}
