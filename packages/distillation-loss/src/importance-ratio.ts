import * as tf from "@tensorflow/tfjs-core";

/** Beyond e^±20 an importance ratio stays where it is and gives no gradient. */
export const largestLogRatio = 20;

/** ρ = e^(s − s_sampling), the exponent held within ±{@link largestLogRatio}. */
export function importanceRatio(logRatio: tf.Tensor1D): tf.Tensor1D {
  return tf.tidy(() => tf.exp(tf.clipByValue(logRatio, -largestLogRatio, largestLogRatio)));
}
