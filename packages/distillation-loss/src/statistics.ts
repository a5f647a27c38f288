import * as tf from "@tensorflow/tfjs-core";

/**
 * A per-token quantity that is computed with the loss.
 *
 * - `value`: what the loss is the weighted mean of
 * - `defined`: 1, or 0 where a row has no possible token
 * - `pull`: KL(student‖reference) in the closed-form gradient, the reference being the teacher or the mixture
 * - `slope`: ∂value/∂(student's log-prob of the token)
 * - `ratio`: importance ratio ρ
 * - `clip`: 0 not clipped, 1 by the ratio's bounds, 2 by the dual bound
 * - the rest: maximum logit, logarithm of the softmax's sum, entropy and the token's log-prob, of student and teacher
 */
export type StatisticName =
  | "value"
  | "defined"
  | "pull"
  | "slope"
  | "ratio"
  | "clip"
  | "studentShift"
  | "studentLogSum"
  | "studentEntropy"
  | "studentLogProb"
  | "teacherShift"
  | "teacherLogSum"
  | "teacherEntropy"
  | "teacherLogProb";

/** `[S, n]` from S columns of n numbers. */
export function stackStatistics(columns: readonly tf.Tensor[]): tf.Tensor2D {
  return tf.tidy(() =>
    tf.concat(
      columns.map((column) => tf.reshape(column, [1, column.size])),
      0,
    ),
  );
}

/** `[n]` one row of `[S, n]` statistics. */
export function pickStatistic(
  statistics: tf.Tensor2D,
  names: readonly StatisticName[],
  name: StatisticName,
): tf.Tensor1D {
  const count = statistics.shape[1];
  return tf.tidy(() => tf.reshape(tf.slice(statistics, [names.indexOf(name), 0], [1, count]), [count]));
}

/** The same row as `[n, 1]`, to be broadcast over the vocabulary. */
export function pickColumn(statistics: tf.Tensor2D, names: readonly StatisticName[], name: StatisticName): tf.Tensor2D {
  const count = statistics.shape[1];
  return tf.tidy(() => tf.reshape(tf.slice(statistics, [names.indexOf(name), 0], [1, count]), [count, 1]));
}
