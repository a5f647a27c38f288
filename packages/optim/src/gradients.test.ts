import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import { beforeEach, expect, test } from "vitest";
import { addGradients } from "./add-gradients.ts";
import { clipScale } from "./clip-scale.ts";
import { globalNorm } from "./global-norm.ts";

beforeEach(async () => {
  await tf.setBackend("cpu");
});

test.each(["cpu", "wasm"])("%s: the global norm is that of all numbers together", async (backend) => {
  await tf.setBackend(backend);
  const gradients = { a: tf.tensor2d([[3, 4]]), b: tf.scalar(-12), c: tf.tensor3d([[[0]], [[84]]]) };
  const before = tf.memory().numTensors;
  expect(await globalNorm(gradients)).toBe(85); // 3² + 4² + 12² + 84² = 85²
  expect(tf.memory().numTensors).toBe(before);
  expect(await globalNorm({})).toBe(0);
});

test("NaN and infinity come through the norm", async () => {
  const one = tf.scalar(1);
  expect(await globalNorm({ one, a: tf.tensor1d([1, Number.NaN]) })).toBeNaN();
  expect(await globalNorm({ one, a: tf.tensor1d([Number.NEGATIVE_INFINITY]) })).toBe(Number.POSITIVE_INFINITY);
});

test("the clip scale brings a norm down to the bound and leaves smaller ones", () => {
  expect(clipScale(13, 1)).toBe(1 / 13.000001);
  expect(clipScale(0.5, 1)).toBe(1);
  expect(clipScale(0, 1)).toBe(1);
  expect(clipScale(1, 1)).toBe(1 / 1.000001); // as PyTorch: just below 1
  expect(clipScale(1e30, Number.POSITIVE_INFINITY)).toBe(1);
});

test("a norm that is no number, and a bound that is not above 0, are refused", () => {
  expect(() => clipScale(Number.NaN, 1)).toThrow(/optim\.clipScale: the gradients have norm NaN/);
  expect(() => clipScale(Number.POSITIVE_INFINITY, 1)).toThrow(/norm Infinity/);
  expect(() => clipScale(1, 0)).toThrow(/`maxNorm` above 0, got 1 and 0/);
  expect(() => clipScale(-1, 1)).toThrow(/`norm` must be from 0/);
});

test("gradients are added by name into new tensors; both arguments stay", () => {
  const total = { a: tf.tensor1d([1, 2]), b: tf.scalar(3) };
  const more = { b: tf.scalar(40), a: tf.tensor1d([10, 20]) };
  const before = tf.memory().numTensors;
  const sum = addGradients(total, more);
  expect(tf.memory().numTensors).toBe(before + 2);
  expect([...sum.a!.dataSync(), ...sum.b!.dataSync()]).toEqual([11, 22, 43]);
  tf.dispose([total, more]);
  expect([...sum.a!.dataSync()]).toEqual([11, 22]);
  expect(addGradients({}, {})).toEqual({});
});

test("gradients of other names or shapes are not added", () => {
  const total = { a: tf.tensor1d([1, 2]) };
  expect(() => addGradients(total, {})).toThrow(/optim\.addGradients: there is no gradient for "a"/);
  expect(() => addGradients(total, { ...total, b: tf.scalar(1) })).toThrow(/a gradient for "b", which is unknown/);
  expect(() => addGradients(total, { a: tf.scalar(1) })).toThrow(/for "a" must have shape \[2\], got \[\]/);
});
