import * as tf from "@tensorflow/tfjs-core";
import { takeActiveTokens } from "./active-rows.ts";
import type { RowObjective } from "./row-objective.ts";
import type { RowChunk, RowPlan } from "./row-plan.ts";
import { rowTokenGradient, rowTokenScore, tokenScoreStatistics } from "./row-token-score.ts";
import { pickStatistic, type StatisticName, stackStatistics } from "./statistics.ts";

/** A loss that sees the student's distribution only through the log-prob of one token a row. */
export interface Surrogate {
  /** Rows of `evaluate`'s result; `value` and `slope` are among them. */
  readonly statistics: readonly StatisticName[];
  readonly given?: RowObjective["given"];
  /** `[n]` columns, from the `[n]` log-probs of the chunk's tokens. */
  evaluate(logProbs: tf.Tensor1D, chunk: RowChunk): readonly tf.Tensor1D[];
}

/** The objective of a surrogate on given tokens: its gradient in the logits is slope · (1[v = y] − S_v) / τ. */
export function tokenObjective(plan: RowPlan, tokens: Int32Array, surrogate: Surrogate): RowObjective {
  const { temperature } = plan;
  const activeTokens = takeActiveTokens(plan, tokens);
  const idsOf = ({ from, to }: RowChunk) => tf.tensor1d(activeTokens.subarray(from, to), "int32");
  const statistics = [...surrogate.statistics, ...tokenScoreStatistics];
  return {
    statistics,
    ...(surrogate.given && { given: surrogate.given }),
    measure: ([logits], chunk) =>
      tf.tidy(() => {
        const score = rowTokenScore([logits!, idsOf(chunk)], { temperature }) as tf.Tensor2D;
        const logProbs = pickStatistic(score, tokenScoreStatistics, "studentLogProb");
        return tf.concat([stackStatistics(surrogate.evaluate(logProbs, chunk)), score], 0);
      }),
    differentiate: ([logits], measured, coefficients, chunk) =>
      tf.tidy(() => {
        const slope = pickStatistic(measured, statistics, "slope");
        const first = surrogate.statistics.length;
        const score = tf.slice(measured, [first, 0], [tokenScoreStatistics.length, measured.shape[1]]);
        const inputs = [logits!, idsOf(chunk), score, tf.mul(coefficients, slope)];
        return rowTokenGradient(inputs, { temperature }) as tf.Tensor2D;
      }),
  };
}
