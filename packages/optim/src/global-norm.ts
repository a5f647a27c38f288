import * as tf from "@tensorflow/tfjs-core";

/**
 * The 2-norm of all gradients together, `√Σ g²`: float32 sums for each tensor, added in float64, one readback. NaN and
 * infinity come through (a norm above about 1e19 overflows to infinity); no gradients have norm 0.
 */
export async function globalNorm(gradients: Readonly<Record<string, tf.Tensor>>): Promise<number> {
  const tensors = Object.values(gradients);
  if (tensors.length === 0) return 0;
  const sums = tf.tidy(() => tf.stack(tensors.map((gradient) => tf.sum(tf.square(gradient)))));
  try {
    return Math.sqrt((await sums.data<"float32">()).reduce((total, sum) => total + sum, 0));
  } finally {
    sums.dispose();
  }
}
