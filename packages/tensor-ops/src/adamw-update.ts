import * as tf from "@tensorflow/tfjs-core";
import { defineKernel } from "./define-kernel.ts";

/** A weight and the running averages of its gradient and of the gradient's square, float32 and of one shape. */
export interface AdamWTensors {
  readonly weight: tf.Tensor;
  readonly first: tf.Tensor;
  readonly second: tf.Tensor;
}

/** The numbers of one update; the bias corrections are in `epsilon` and `stepSize`. */
export interface AdamWScalars {
  readonly gradientScale: number;
  readonly decay: number;
  readonly firstRate: number;
  readonly secondKeep: number;
  readonly secondRate: number;
  readonly epsilon: number;
  readonly stepSize: number;
}

const scale = (x: tf.Tensor, by: number): tf.Tensor => (by === 1 ? x : tf.mul(x, by));

/** Inputs: weight, gradient, first, second. Results: the new weight, first and second. */
const updateKernel = defineKernel<AdamWScalars>({
  name: "OpdAdamW",
  compose: ([weight, gradient, oldFirst, oldSecond], scalars) => {
    const { gradientScale, decay, firstRate, secondKeep, secondRate, epsilon, stepSize } = scalars;
    const g = scale(gradient!, gradientScale);
    const first = tf.add(oldFirst!, tf.mul(tf.sub(g, oldFirst!), firstRate));
    const second = tf.add(tf.mul(oldSecond!, secondKeep), tf.mul(tf.square(g), secondRate));
    const change = tf.mul(tf.div(first, tf.add(tf.sqrt(second), epsilon)), stepSize);
    return [tf.sub(scale(weight!, decay), change), first, second];
  },
});

/**
 * One update of AdamW as new tensors, with `g = gradientScale · gradient` (Loshchilov and Hutter, arXiv 1711.05101):
 *
 *     m' = m + firstRate · (g - m)      v' = secondKeep · v + secondRate · g²
 *     w' = decay · w - stepSize · m' / (√v' + epsilon)
 *
 * Without a gradient of its own.
 */
export function adamWUpdate(
  { weight, first, second }: AdamWTensors,
  gradient: tf.Tensor,
  scalars: AdamWScalars,
): AdamWTensors {
  const [newWeight, newFirst, newSecond] = updateKernel<[tf.Tensor, tf.Tensor, tf.Tensor]>(
    [weight, gradient, first, second],
    { ...scalars },
  );
  return { weight: newWeight, first: newFirst, second: newSecond };
}
