import * as tf from "@tensorflow/tfjs-core";
import type { Range, RowPlan } from "./row-plan.ts";
import { pickStatistic, type StatisticName, type StatisticsTable } from "./statistics.ts";
import type { TopK } from "./top-k.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** What a loss does with the logits of one chunk of rows. Nothing here is on the tape. */
export interface RowObjective {
  /** Names of `measure`'s rows; `value` and `defined` are among them. */
  readonly statistics: readonly StatisticName[];
  /** `[A]` numbers of the active rows that were there before the loss was computed. */
  readonly given?: Partial<Record<StatisticName, Float32Array>>;
  /** Whose masses and overlap are among the statistics. */
  readonly topK?: TopK;
  /** What `importance` is truncated at. */
  readonly importanceCap?: number;
  /**
   * `[S, n]` statistics of a chunk. The vocabulary holds the student's logits and, where distributions are compared, the
   * teacher's.
   */
  measure(vocabulary: Vocabulary, chunk: Range): tf.Tensor2D;
  /** `[n, c]` gradient of Σ coefficient · value in the student's logits of one slice of the vocabulary. */
  differentiate(slice: SlicedChunk): tf.Tensor2D;
}

export interface SlicedChunk {
  readonly chunk: Range;
  /** Of the vocabulary. */
  readonly slice: Range;
  /** `[n, c]` of each model. */
  readonly logits: readonly tf.Tensor2D[];
  /** What `measure` found. */
  readonly measured: StatisticsTable;
  /** `[n]` of the values in the loss, for rows that are defined; in the others the gradient is 0. */
  readonly coefficients: tf.Tensor1D;
}

/** The `[S, n]` statistics of a chunk, and nothing that was made on the way. */
export function measureChunk(objective: RowObjective, vocabulary: Vocabulary, chunk: Range): tf.Tensor2D {
  return tf.tidy(() => objective.measure(vocabulary, chunk));
}

/** `[n]` factors of a chunk's values in the loss, for rows that have a possible token; the others count 0. */
export function coefficientsOf(plan: RowPlan, measured: StatisticsTable, { from, to }: Range): tf.Tensor1D {
  return tf.tidy(() => {
    const given = tf.tensor1d(plan.coefficients.subarray(from, to));
    return measured.names.includes("importance") ? tf.mul(given, pickStatistic(measured, "importance")) : given;
  });
}

/** The loss: Σ coefficient · value over all active rows, 0 when there is none. */
export function weightedSum(
  plan: RowPlan,
  names: readonly StatisticName[],
  tensor: tf.Tensor2D | undefined,
): tf.Scalar {
  if (tensor === undefined) return tf.scalar(0);
  return tf.tidy(() => {
    const measured = { names, tensor };
    const coefficients = coefficientsOf(plan, measured, { from: 0, to: plan.active.length });
    const values = tf.mul<tf.Tensor1D>(pickStatistic(measured, "value"), pickStatistic(measured, "defined"));
    return tf.sum<tf.Scalar>(tf.mul(coefficients, values));
  });
}
