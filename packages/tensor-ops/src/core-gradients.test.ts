import "@tensorflow/tfjs-backend-cpu";
import { checkGradient, waves } from "@imagine-opd/test-kit";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import { registerCoreGradients } from "./core-gradients.ts";

/** One use of every op whose gradient is registered; inputs stay clear of zero where a logarithm or a quotient needs it. */
const uses: readonly [string, (a: tf.Tensor, b: tf.Tensor) => tf.Tensor][] = [
  ["Add", (a, b) => tf.add(a, b)],
  ["AddN", (a, b) => tf.addN([a, b, a])],
  ["BatchMatMul", (a, b) => tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D, false, true)],
  ["Cast", (a, b) => tf.add(tf.cast(a, "float32"), b)],
  ["Concat", (a, b) => tf.concat([a, b], 1)],
  ["RealDiv", (a, b) => tf.div(a, tf.add(tf.square(b), 1))],
  ["Exp", (a, b) => tf.mul(tf.exp(a), b)],
  ["Identity", (a, b) => tf.mul(tf.clone(a), b)],
  ["Log", (a, b) => tf.mul(tf.log(tf.add(tf.square(a), 1)), b)],
  ["Multiply", (a, b) => tf.mul(a, b)],
  ["Neg", (a, b) => tf.mul(tf.neg(a), b)],
  ["Reshape", (a, b) => tf.mul(tf.reshape(a, [3, 2]), tf.reshape(b, [3, 2]))],
  ["Slice", (a, b) => tf.mul(tf.slice(a, [0, 1], [2, 2]), tf.slice(b, [0, 0], [2, 2]))],
  ["Square", (a, b) => tf.add(tf.square(a), tf.square(b))],
  ["Sub", (a, b) => tf.sub(a, b)],
  ["Sum", (a, b) => tf.mul(tf.sum(a, 1), tf.sum(b, 1))],
  ["Tanh", (a, b) => tf.mul(tf.tanh(a), b)],
  ["Transpose", (a, b) => tf.mul(tf.transpose(a), tf.transpose(b))],
];

const coreGradients = ["Abs", "Relu", ...uses.map(([name]) => name)];
let before: (tf.GradConfig | undefined)[];

beforeAll(async () => {
  await tf.setBackend("cpu");
  before = coreGradients.map((name) => tf.getGradient(name));
  registerCoreGradients();
});

test("core alone has no gradients; those in use are registered, the others are left out", () => {
  expect(before.every((gradient) => gradient === undefined)).toBe(true);
  const registered = coreGradients.filter((name) => tf.getGradient(name) !== undefined);
  expect(registered).toEqual(uses.map(([name]) => name));
});

test("what is registered already stays, and a second call changes nothing", () => {
  const own = tf.getGradient("Square")!;
  const replacement: tf.GradConfig = { ...own };
  tf.unregisterGradient("Square");
  tf.registerGradient(replacement);
  registerCoreGradients();
  expect(tf.getGradient("Square")).toBe(replacement);
});

describe("gradients against finite differences", () => {
  test.each(uses)("%s", (_name, use) => {
    checkGradient((a, b) => use(a!, b!), [waves([2, 3]), waves([2, 3], 1)]);
  });
});
