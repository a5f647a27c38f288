import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, expect, test } from "vitest";
import { registerCoreGradients } from "./core-gradients.ts";
import { defineOp } from "./define-op.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
  registerCoreGradients();
});

let gradientsOfB = 0;
const scaledProduct = defineOp<{ factor: number }>({
  name: "TestScaledProduct",
  compose: ([a, b], { factor }) => tf.mul(tf.mul(a!, b!), factor),
  gradient: (dy, [a, b], { factor }) => [
    () => tf.mul(tf.mul(dy, b!), factor),
    () => {
      gradientsOfB += 1;
      return tf.mul(tf.mul(dy, a!), factor);
    },
  ],
});

test("value and gradients of a composed op, and nothing leaks", async () => {
  const a = tf.tensor1d([1, 2]);
  const b = tf.tensor1d([3, 4]);
  const before = tf.memory().numTensors;
  const [da, db] = tf.grads((x, y) => tf.sum(tf.square(scaledProduct([x!, y!], { factor: 2 }))))([a, b]);
  // d/da Σ (2ab)² = 8ab²
  expect([...(await da!.data())]).toEqual([72, 256]);
  expect([...(await db!.data())]).toEqual([24, 128]);
  tf.dispose([da!, db!]);
  expect(tf.memory().numTensors).toBe(before);
  tf.dispose([a, b]);
});

test("the gradient of an input that training does not reach is never computed", () => {
  gradientsOfB = 0;
  tf.tidy(() => tf.grad((x) => tf.sum(scaledProduct([x, tf.scalar(2)], { factor: 1 })))(tf.tensor1d([1])));
  expect(gradientsOfB).toBe(0);
});
