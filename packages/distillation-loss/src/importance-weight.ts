import * as tf from "@tensorflow/tfjs-core";
import { takeActiveLogProbs } from "./active-rows.ts";
import { importanceRatio } from "./importance-ratio.ts";
import { requirePositive } from "./require-number.ts";
import type { RowObjective } from "./row-objective.ts";
import type { RowPlan } from "./row-plan.ts";
import { appendColumns, pickStatistic } from "./statistics.ts";

/**
 * Truncated importance weight w = min(ρ, cap) of each token, with ρ = S(y) / S_sampling(y), the logarithm of ρ held within ±20
 * (Ionides 2008; Espeholt et al., arXiv 1802.01561). It multiplies the token's weight and is a constant of the gradient.
 */
export interface Importance {
  /** `[N]` log-probs of the tokens under the weights that sampled them, at the loss's temperature and with the same bans. */
  readonly samplingLogProbs: Float32Array;
  /** Largest weight. SDPO, Vision-OPD and TRL use 2. */
  readonly cap: number;
}

/** The objective with every token weighted; it must know the student's log-prob of the token. */
export function weighImportance(plan: RowPlan, objective: RowObjective, importance?: Importance): RowObjective {
  if (importance === undefined) return objective;
  requirePositive(plan.where, "importance.cap", importance.cap);
  const sampling = takeActiveLogProbs(plan, "importance.samplingLogProbs", importance.samplingLogProbs);
  return {
    ...objective,
    importanceCap: importance.cap,
    statistics: [...objective.statistics, "importance"],
    measure(vocabulary, chunk) {
      const tensor = objective.measure(vocabulary, chunk);
      const logProbs = pickStatistic({ names: objective.statistics, tensor }, "studentLogProb");
      const ratio = importanceRatio(tf.sub(logProbs, tf.tensor1d(sampling.subarray(chunk.from, chunk.to))));
      return appendColumns(tensor, [tf.minimum(ratio, importance.cap)]);
    },
  };
}
