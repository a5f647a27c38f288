import * as tf from "@tensorflow/tfjs-core";

/**
 * A per-token quantity that is computed with the loss.
 *
 * - `value`: what the loss is the weighted mean of
 * - `defined`: 1, or 0 where a row has no possible token
 * - `slope`: ∂value/∂(what it is computed from): the student's log-prob of the token, or the divergence before its clip
 * - `unclipped`: the divergence before its clip
 * - `pull`: what the closed-form gradient of a divergence subtracts: Σ S·g for g = ∂D/∂S
 * - `clippedEntries`: vocabulary entries that the clip cuts off
 * - `ratio`: importance ratio ρ of the surrogate
 * - `clip`: 0 not clipped, 1 by the ratio's bounds, 2 by the dual bound
 * - `advantageClip`: 1 where the advantage was beyond its bound
 * - `importance`: truncated importance weight of the token
 * - `…Shift`, `…LogSum`, `…Entropy`, `…Top`, `…LogProb`: maximum logit, logarithm of the softmax's sum over it, entropy,
 *   most likely id, and the token's log-prob, of student and teacher
 * - `…Floor`, `…Last`: the k-th largest logit, and the largest id among the top k that has it
 * - `…Part`: logarithm of the mass on the support (`renormalise`) or outside of it (`tail`)
 * - `overlap`: ids that are in both models' top k
 */
export type StatisticName =
  | "value"
  | "defined"
  | "slope"
  | "unclipped"
  | "pull"
  | "clippedEntries"
  | "ratio"
  | "clip"
  | "advantageClip"
  | "importance"
  | "overlap"
  | ModelStatisticName;

export type ModelStatisticName =
  `${"student" | "teacher"}${"Shift" | "LogSum" | "Entropy" | "Top" | "LogProb" | "Floor" | "Last" | "Part"}`;

/** n numbers each, of any shape, by name. */
export type Columns = Readonly<Partial<Record<StatisticName, tf.Tensor>>>;

/** The rows of an `[S, n]` tensor have names: all that is kept of a loss. */
export interface StatisticsTable {
  readonly names: readonly StatisticName[];
  readonly tensor: tf.Tensor2D;
}

/** `[S, n]`, in the order of `names`. */
export function stackColumns(names: readonly StatisticName[], columns: Columns): tf.Tensor2D {
  return tf.tidy(() =>
    tf.concat(
      names.map((name) => tf.reshape(columns[name]!, [1, columns[name]!.size])),
      0,
    ),
  );
}

/** `[S + k, n]` the `[S, n]` rows and k more of n numbers each, of any shape. */
export function appendColumns(rows: tf.Tensor2D, columns: readonly tf.Tensor[]): tf.Tensor2D {
  return tf.tidy(() =>
    tf.concat([rows, ...columns.map((column) => tf.reshape<tf.Rank.R2>(column, [1, column.size]))], 0),
  );
}

/** `[n]` one statistic. */
export function pickStatistic({ names, tensor }: StatisticsTable, name: StatisticName): tf.Tensor1D {
  const count = tensor.shape[1];
  return tf.tidy(() => tf.reshape(tf.slice(tensor, [names.indexOf(name), 0], [1, count]), [count]));
}

/** `[n, 1]` one statistic, to be broadcast over the vocabulary. */
export function pickColumn({ names, tensor }: StatisticsTable, name: StatisticName): tf.Tensor2D {
  const count = tensor.shape[1];
  return tf.tidy(() => tf.reshape(tf.slice(tensor, [names.indexOf(name), 0], [1, count]), [count, 1]));
}

/** `[S', n]` some statistics, in the order of `wanted`. */
export function pickStatistics({ names, tensor }: StatisticsTable, wanted: readonly StatisticName[]): tf.Tensor2D {
  const indices = wanted.map((name) => names.indexOf(name));
  return tf.tidy(() => tf.gather(tensor, tf.tensor1d(indices, "int32")));
}
