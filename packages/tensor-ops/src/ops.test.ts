import "@tensorflow/tfjs-backend-cpu";
import { checkGradient, waves } from "@imagine-opd/test-kit";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import {
  attention,
  geluTanh,
  layerNorm,
  linear,
  registerCoreGradients,
  rmsNorm,
  rotary,
  swiGlu,
  takeRows,
} from "./index.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
  registerCoreGradients();
});

const close = (actual: tf.Tensor, expected: readonly number[]) => {
  const values = [...actual.dataSync()];
  expect(values.length).toBe(expected.length);
  for (const [i, value] of values.entries()) expect(value).toBeCloseTo(expected[i]!, 5);
};

test("every op leaves only its result behind", () => {
  const x = waves([2, 4]);
  const w = tf.ones([4]);
  const before = tf.memory().numTensors;
  rmsNorm(x, w, 1e-5).dispose();
  layerNorm(x, w, w, 1e-5).dispose();
  linear(x, waves([3, 4])).dispose();
  takeRows(x, Int32Array.of(1, 0)).dispose();
  expect(tf.memory().numTensors).toBe(before + 1);
});

describe("linear", () => {
  test("value with bias", () => {
    const y = linear(
      tf.tensor3d([1, 2, 3, 4], [1, 2, 2]),
      tf.tensor2d([1, 0, 0, 1, 1, 1], [3, 2]),
      tf.tensor1d([10, 20, 30]),
    );
    expect(y.shape).toEqual([1, 2, 3]);
    close(y, [11, 22, 33, 13, 24, 37]);
  });
  test("gradients", () =>
    checkGradient((x, w, b) => linear(x!, w!, b!), [waves([2, 3, 4]), waves([5, 4], 1), waves([5], 2)]));
  test("gradients without bias", () => checkGradient((x, w) => linear(x!, w!), [waves([3, 4]), waves([5, 4], 1)]));
});

describe("rmsNorm", () => {
  test("value", () => {
    const r = 1 / Math.sqrt((9 + 16) / 2 + 0.5);
    close(rmsNorm(tf.tensor2d([3, 4], [1, 2]), tf.tensor1d([1, 2]), 0.5), [3 * r, 8 * r]);
  });
  test("gradients", () => checkGradient((x, w) => rmsNorm(x!, w!, 1e-2), [waves([2, 3, 4]), waves([4], 1)]));
});

describe("layerNorm", () => {
  test("value", () => {
    close(layerNorm(tf.tensor2d([1, 3], [1, 2]), tf.tensor1d([2, 2]), tf.tensor1d([5, 6]), 0), [3, 8]);
  });
  test("gradients", () =>
    checkGradient((x, w, b) => layerNorm(x!, w!, b!, 1e-2), [waves([2, 3, 4]), waves([4], 1), waves([4], 2)]));
});

describe("rotary", () => {
  test("a quarter turn maps the halves onto each other", () => {
    const zero = tf.zeros([1, 1, 1, 4]);
    const one = tf.ones([1, 1, 1, 4]);
    close(rotary(tf.tensor4d([1, 2, 3, 4], [1, 1, 1, 4]), zero, one), [-3, -4, 1, 2]);
  });
  test("gradient", () => {
    const angle = waves([2, 1, 3, 2]);
    const cos = tf.concat([tf.cos(angle), tf.cos(angle)], 3);
    const sin = tf.concat([tf.sin(angle), tf.sin(angle)], 3);
    checkGradient((x) => rotary(x as tf.Tensor4D, cos, sin), [waves([2, 2, 3, 4])]);
  });
  test("the angles are constants: asking for their gradient is refused", () => {
    const x = waves([1, 1, 1, 2]) as tf.Tensor4D;
    expect(() => tf.grad((cos) => rotary(x, cos, tf.zerosLike(cos)))(tf.ones([1, 1, 1, 2]))).toThrow(
      "tensor-ops.rotary: the angles have no gradient. Pass cos and sin as constants.",
    );
  });
});

describe("attention", () => {
  test("uniform scores average the values that the bias leaves", () => {
    const q = tf.zeros([1, 2, 1, 2]) as tf.Tensor4D;
    const k = waves([1, 1, 3, 2]) as tf.Tensor4D;
    const v = tf.tensor4d([1, 2, 3, 4, 5, 6], [1, 1, 3, 2]);
    close(attention(q, k, v), [3, 4, 3, 4]);
    close(attention(q, k, v, { bias: tf.tensor4d([0, 0, -1e9], [1, 1, 1, 3]) }), [2, 3, 2, 3]);
  });
  test("query heads read their own group's key head", () => {
    const q = tf.zeros([1, 4, 1, 1]) as tf.Tensor4D;
    const v = tf.tensor4d([7, 9], [1, 2, 1, 1]);
    close(attention(q, tf.zerosLike(v), v), [7, 7, 9, 9]);
  });
  test("gradients with grouped heads and a causal bias", () => {
    const bias = tf.tensor4d([0, -1e9, -1e9, 0, 0, -1e9, 0, 0, 0], [1, 1, 3, 3]);
    checkGradient(
      (q, k, v) => attention(q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D, { bias }),
      [waves([2, 4, 3, 2]), waves([2, 2, 3, 2], 1), waves([2, 2, 3, 2], 2)],
    );
  });
  test("the scale is 1/√d, or the given one", () => {
    const q = tf.tensor4d([2, 0, 0, 0], [1, 1, 1, 4]);
    const k = tf.tensor4d([1, 0, 0, 0, 0, 0, 0, 0], [1, 1, 2, 4]);
    const v = tf.tensor4d([1, 1, 1, 1, 0, 0, 0, 0], [1, 1, 2, 4]);
    const share = (score: number) => new Array(4).fill(1 / (1 + Math.exp(-score)));
    close(attention(q, k, v), share(1));
    close(attention(q, k, v, { scale: 3 }), share(6));
  });
  test("the bias is a constant: asking for its gradient is refused", () => {
    const x = waves([1, 1, 2, 2]) as tf.Tensor4D;
    expect(() => tf.grad((bias) => attention(x, x, x, { bias }))(tf.zeros([1, 1, 2, 2]))).toThrow(
      "tensor-ops.attention: the bias has no gradient. Pass it as a constant.",
    );
  });
});

describe("activations", () => {
  test("values", () => {
    close(swiGlu(tf.tensor1d([0, 1, -20]), tf.tensor1d([5, 2, 1])), [
      0,
      2 / (1 + Math.exp(-1)),
      -20 / (1 + Math.exp(20)),
    ]);
    close(geluTanh(tf.tensor1d([0, 1, -1])), [0, 0.841192, -0.158808]);
  });
  test("gradients", () => {
    checkGradient((gate, up) => swiGlu(gate!, up!), [waves([2, 3]), waves([2, 3], 1)]);
    checkGradient((x) => geluTanh(x!), [tf.mul(waves([6]), 3)]);
  });
});

describe("takeRows", () => {
  test("value and gradient with repeated rows", () => {
    const table = tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]);
    const rows = Int32Array.of(2, 0, 2);
    close(takeRows(table, rows), [5, 6, 1, 2, 5, 6]);
    close(tf.grad((x) => tf.sum(tf.square(takeRows(x, rows))))(table), [2, 4, 0, 0, 20, 24]);
  });
  test("a row outside the table is refused", () => {
    expect(() => takeRows(tf.zeros([3, 2]), Int32Array.of(0, 3))).toThrow(
      "tensor-ops.takeRows: row 3 (at 1) is outside the table of 3 rows.",
    );
    expect(() => takeRows(tf.zeros([3, 2]), new Int32Array(0))).toThrow("`rows` is empty");
  });
});
