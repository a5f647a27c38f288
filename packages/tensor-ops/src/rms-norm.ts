import * as tf from "@tensorflow/tfjs-core";
import { defineKernel } from "./define-kernel.ts";
import { defineOp } from "./define-op.ts";

function inverseRms(x: tf.Tensor, epsilon: number): tf.Tensor {
  return tf.rsqrt(tf.add(tf.mean(tf.square(x), x.rank - 1, true), epsilon));
}

/** Inputs: dy, x, weight. */
const inputGradient = defineKernel<{ epsilon: number }>({
  name: "OpdRmsNormGradient",
  compose: ([dy, x, weight], { epsilon }) => {
    const r = inverseRms(x!, epsilon);
    const normalized = tf.mul(x!, r);
    const g = tf.mul(dy!, weight!);
    return tf.mul(r, tf.sub(g, tf.mul(normalized, tf.mean(tf.mul(g, normalized), x!.rank - 1, true))));
  },
});

/** Inputs: dy, x. */
const weightGradient = defineKernel<{ epsilon: number }>({
  name: "OpdRmsNormWeightGradient",
  compose: ([dy, x], { epsilon }) => {
    const product = tf.mul(dy!, tf.mul(x!, inverseRms(x!, epsilon)));
    return tf.sum(tf.reshape(product, [-1, x!.shape[x!.rank - 1]!]), 0);
  },
});

const rmsNormOp = defineOp<{ epsilon: number }>({
  name: "OpdRmsNorm",
  compose: ([x, weight], { epsilon }) => tf.mul(tf.mul(x!, inverseRms(x!, epsilon)), weight!),
  gradient: (dy, [x, weight], attributes) => [
    () => inputGradient([dy, x!, weight!], attributes),
    () => weightGradient([dy, x!], attributes),
  ],
});

/**
 * `weight · x / √(mean(x²) + epsilon)` over the last axis (Zhang and Sennrich, arXiv 1910.07467).
 * @param x `[…, D]`
 * @param weight `[D]`
 */
export function rmsNorm(x: tf.Tensor, weight: tf.Tensor, epsilon: number): tf.Tensor {
  return rmsNormOp([x, weight], { epsilon });
}
