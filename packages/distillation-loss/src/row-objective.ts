import type { Tensor1D, Tensor2D } from "@tensorflow/tfjs-core";
import * as tf from "@tensorflow/tfjs-core";
import type { RowChunk, RowPlan } from "./row-plan.ts";
import { pickStatistic, type StatisticName } from "./statistics.ts";

/** What a loss does with the logits of one chunk of rows. Nothing here is on the tape. */
export interface RowObjective {
  /** Rows of `measure`'s result; `value` and `defined` are among them. */
  readonly statistics: readonly StatisticName[];
  /** `[A]` numbers of the active rows that were there before the loss was computed. */
  readonly given?: Partial<Record<StatisticName, Float32Array>>;
  /** `[S, n]` statistics. `logits` are the student's and, where distributions are compared, the teacher's, `[n, V]` each. */
  measure(logits: readonly Tensor2D[], chunk: RowChunk): Tensor2D;
  /** `[n, V]` gradient of Σ coefficient · value in the student's logits. */
  differentiate(logits: readonly Tensor2D[], statistics: Tensor2D, coefficients: Tensor1D, chunk: RowChunk): Tensor2D;
}

/** `[n]` weight / normalizer of a chunk's rows, 0 where a row has no possible token. */
export function coefficientsOf(
  plan: RowPlan,
  objective: RowObjective,
  statistics: Tensor2D,
  { from, to }: RowChunk,
): Tensor1D {
  return tf.tidy(() =>
    tf.mul(
      tf.tensor1d(plan.coefficients.subarray(from, to)),
      pickStatistic(statistics, objective.statistics, "defined"),
    ),
  );
}

/** The loss: Σ coefficient · value over all active rows, 0 when there is none. */
export function weightedSum(plan: RowPlan, objective: RowObjective, statistics: Tensor2D | undefined): tf.Scalar {
  if (statistics === undefined) return tf.scalar(0);
  return tf.tidy(() => {
    const coefficients = coefficientsOf(plan, objective, statistics, { from: 0, to: plan.active.length });
    return tf.sum<tf.Scalar>(tf.mul(coefficients, pickStatistic(statistics, objective.statistics, "value")));
  });
}
