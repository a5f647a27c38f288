import * as tf from "@tensorflow/tfjs-core";
import { defineKernel } from "./define-kernel.ts";
import { defineOp } from "./define-op.ts";
import { sumRows } from "./sum-rows.ts";

function standardize(x: tf.Tensor, epsilon: number): { normalized: tf.Tensor; inverseDeviation: tf.Tensor } {
  const axis = x.rank - 1;
  const centered = tf.sub(x, tf.mean(x, axis, true));
  const inverseDeviation = tf.rsqrt(tf.add(tf.mean(tf.square(centered), axis, true), epsilon));
  return { normalized: tf.mul(centered, inverseDeviation), inverseDeviation };
}

/** Inputs: dy, x, weight. */
const inputGradient = defineKernel<{ epsilon: number }>({
  name: "OpdLayerNormGradient",
  compose: ([dy, x, weight], { epsilon }) => {
    const axis = x!.rank - 1;
    const { normalized, inverseDeviation } = standardize(x!, epsilon);
    const g = tf.mul(dy!, weight!);
    const along = tf.mul(normalized, tf.mean(tf.mul(g, normalized), axis, true));
    return tf.mul(inverseDeviation, tf.sub(tf.sub(g, tf.mean(g, axis, true)), along));
  },
});

/** Inputs: dy, x. */
const weightGradient = defineKernel<{ epsilon: number }>({
  name: "OpdLayerNormWeightGradient",
  compose: ([dy, x], { epsilon }) =>
    tf.sum(tf.reshape(tf.mul(dy!, standardize(x!, epsilon).normalized), [-1, x!.shape[x!.rank - 1]!]), 0),
});

const layerNormOp = defineOp<{ epsilon: number }>({
  name: "OpdLayerNorm",
  compose: ([x, weight, bias], { epsilon }) => tf.add(tf.mul(standardize(x!, epsilon).normalized, weight!), bias!),
  gradient: (dy, [x, weight], attributes) => [
    () => inputGradient([dy, x!, weight!], attributes),
    () => weightGradient([dy, x!], attributes),
    () => sumRows(dy),
  ],
});

/**
 * `(x − μ) / √(σ² + epsilon) · weight + bias` over the last axis, σ² biased (Ba et al., arXiv 1607.06450).
 * @param x `[…, D]`
 * @param weight `[D]`
 * @param bias `[D]`
 */
export function layerNorm(x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor, epsilon: number): tf.Tensor {
  return layerNormOp([x, weight, bias], { epsilon });
}
