import * as tf from "@tensorflow/tfjs-core";

/** A small computation and what it must give. */
export interface Check {
  readonly kernel: string;
  readonly what: string;
  readonly run: () => tf.Tensor;
  readonly expected: readonly number[];
  /** Largest absolute difference. */
  readonly tolerance: number;
}

/** Small integers, so that sums are exact in float32 in whatever order they are made. */
export function integers(shape: readonly number[], step: number): tf.Tensor {
  const size = shape.reduce((product, length) => product * length, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, (_, i) => ((i * step) % 11) - 5),
    [...shape],
  );
}

/** `Σ (i + 1) · x[i]`: one number that notices a wrong or misplaced element. */
export function checksum(x: tf.Tensor): tf.Tensor {
  const weights = tf.tensor1d(Float32Array.from({ length: x.size }, (_, i) => i + 1));
  return tf.reshape(tf.sum(tf.mul(tf.reshape(x, [x.size]), weights)), [1]);
}
