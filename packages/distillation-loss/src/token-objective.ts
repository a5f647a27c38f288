import * as tf from "@tensorflow/tfjs-core";
import { takeActiveTokens } from "./active-rows.ts";
import { locateTokens, tokenPass } from "./pick-tokens.ts";
import type { RowObjective } from "./row-objective.ts";
import type { Range, RowPlan } from "./row-plan.ts";
import { hasPossibleToken, logProbsFrom, scorePass, splitScore } from "./row-score.ts";
import { rowTokenGradient } from "./row-token-gradient.ts";
import { type Columns, pickStatistic, type StatisticName, stackColumns } from "./statistics.ts";
import { reduceVocabulary, type Vocabulary } from "./vocabulary.ts";

/** A loss that sees the student's distribution only through the log-prob of one token a row. */
export interface Surrogate {
  /** Names of `evaluate`'s columns; `value` and `slope` are among them. */
  readonly statistics: readonly StatisticName[];
  readonly given?: RowObjective["given"];
  /** `[n]` columns, from the `[n]` log-probs of the chunk's tokens. */
  evaluate(logProbs: tf.Tensor1D, chunk: Range): Columns;
}

const scoreStatistics = ["defined", "studentShift", "studentLogSum", "studentEntropy", "studentLogProb"] as const;

/** The objective of a surrogate on given tokens: its gradient in the logits is slope · (1[v = y] − S_v) / τ. */
export function tokenObjective(plan: RowPlan, tokens: Int32Array, surrogate: Surrogate): RowObjective {
  const { temperature } = plan;
  const ids = takeActiveTokens(plan, tokens);
  const statistics = [...surrogate.statistics, ...scoreStatistics];
  return {
    statistics,
    ...(surrogate.given && { given: surrogate.given }),
    measure(vocabulary, chunk) {
      const scored = scoreTokens(vocabulary, ids.subarray(chunk.from, chunk.to), temperature);
      return stackColumns(statistics, { ...scored, ...surrogate.evaluate(scored.studentLogProb, chunk) });
    },
    differentiate: ({ logits: [logits], slice, measured, coefficients, chunk }) =>
      tf.tidy(() => {
        const { columns, inside } = locateTokens(ids.subarray(chunk.from, chunk.to), slice);
        const numbers = tf.stack([
          pickStatistic(measured, "studentShift"),
          pickStatistic(measured, "studentLogSum"),
          tf.mul(tf.mul(coefficients, pickStatistic(measured, "defined")), pickStatistic(measured, "slope")),
          tf.tensor1d(inside),
        ]);
        return rowTokenGradient([logits!, tf.tensor1d(columns, "int32"), numbers], { temperature }) as tf.Tensor2D;
      }),
  };
}

/** What the model says about rows and about one token in each. */
export function scoreTokens(vocabulary: Vocabulary, tokens: Int32Array, temperature: number) {
  const [score, picked] = reduceVocabulary(vocabulary, [scorePass(0, temperature), tokenPass(0, tokens)]);
  const { shift, logSum, entropy } = splitScore(score!);
  return {
    defined: hasPossibleToken(shift),
    studentShift: shift,
    studentLogSum: logSum,
    studentEntropy: entropy,
    studentLogProb: tf.reshape(logProbsFrom(picked!, { shift, logSum }, temperature), shift.shape) as tf.Tensor1D,
  };
}
