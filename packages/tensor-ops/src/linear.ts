import * as tf from "@tensorflow/tfjs-core";
import { defineOp } from "./define-op.ts";
import { sumRows } from "./sum-rows.ts";

/** A reshape that changes nothing would still be a launch on some backends. */
const rows = (x: tf.Tensor): tf.Tensor2D =>
  x.rank === 2 ? (x as tf.Tensor2D) : tf.reshape(x, [-1, x.shape[x.rank - 1]!]);

const withShape = (x: tf.Tensor, shape: readonly number[]): tf.Tensor =>
  shape.length === 2 ? x : tf.reshape(x, [...shape]);

const linearOp = defineOp<object>({
  name: "OpdLinear",
  compose: ([x, weight, bias]) => {
    const product = tf.matMul(rows(x!), weight as tf.Tensor2D, false, true);
    const y = bias === undefined ? product : tf.add(product, bias);
    return withShape(y, [...x!.shape.slice(0, -1), weight!.shape[0]!]);
  },
  gradient: (dy, [x, weight, bias]) => [
    () => withShape(tf.matMul(rows(dy), weight as tf.Tensor2D), x!.shape),
    () => tf.matMul(rows(dy), rows(x!), true, false),
    ...(bias === undefined ? [] : [() => sumRows(dy)]),
  ],
});

/**
 * `y = x · weightᵀ + bias` over the last axis.
 * @param x `[…, in]`
 * @param weight `[out, in]`, as PyTorch stores it
 * @param bias `[out]`
 * @returns `[…, out]`
 */
export function linear(x: tf.Tensor, weight: tf.Tensor, bias?: tf.Tensor): tf.Tensor {
  return linearOp(bias === undefined ? [x, weight] : [x, weight, bias], {});
}
