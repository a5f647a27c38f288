import * as tf from "@tensorflow/tfjs-core";
import { refuseArgument } from "./refuse-argument.ts";
import { requirePositive } from "./require-number.ts";
import type { RowObjective } from "./row-objective.ts";
import { appendColumns, pickStatistic } from "./statistics.ts";

/** Bounds what one token adds to the loss: its divergence D counts as min(D, limit). `limit` in nats. */
export type DivergenceClip =
  /** The gradient of a clipped token is scaled by limit / D: smaller, in the same direction. Recommended. */
  | { readonly kind: "preserve-direction"; readonly limit: number }
  /** A clipped token has no gradient: the tokens on which the models differ most teach nothing. */
  | { readonly kind: "zero-gradient"; readonly limit: number };

/**
 * Each vocabulary entry's term d of D counts as min(d, limit), without gradient where it is cut off (OPSD, Visual-OPSD: 0.05).
 * For parity with them: biased, since positive terms are cut and negative ones are not, so that the sum can be below 0.
 */
export interface EntryClip {
  readonly kind: "vocabulary-entry";
  readonly limit: number;
}

/** The objective with the values of its tokens bounded. */
export function clipDivergence(objective: RowObjective, clip?: DivergenceClip): RowObjective {
  if (clip === undefined) return objective;
  const { kind, limit } = clip;
  return {
    ...objective,
    statistics: [...objective.statistics.map((name) => (name === "value" ? "unclipped" : name)), "value", "slope"],
    measure(vocabulary, chunk) {
      const tensor = objective.measure(vocabulary, chunk);
      const unclipped = pickStatistic({ names: objective.statistics, tensor }, "value");
      const above = tf.greater(unclipped, limit);
      const slope = kind === "preserve-direction" ? tf.div(limit, tf.maximum(unclipped, limit)) : 0;
      return appendColumns(tensor, [tf.where(above, limit, unclipped), tf.where(above, slope, tf.onesLike(unclipped))]);
    },
    differentiate(slice) {
      const coefficients = tf.mul<tf.Tensor1D>(slice.coefficients, pickStatistic(slice.measured, "slope"));
      return objective.differentiate({ ...slice, coefficients });
    },
  };
}

/** Refuses what is no clip, or does not go with the treatment of the mass outside of a top-k support. */
export function checkDivergenceClip(
  where: string,
  clip: DivergenceClip | EntryClip,
  mass?: "tail" | "renormalise",
): void {
  if (!["preserve-direction", "zero-gradient", "vocabulary-entry"].includes(clip.kind))
    refuseArgument(
      where,
      `clip.kind must be "preserve-direction", "zero-gradient" or "vocabulary-entry", got ${JSON.stringify(clip.kind)}.`,
    );
  requirePositive(where, "clip.limit", clip.limit);
  if (clip.kind === "vocabulary-entry" && mass === "tail")
    refuseArgument(
      where,
      'clip "vocabulary-entry" bounds single ids and does not go with the tail of topK.',
      'Use mass "renormalise", or clip whole tokens.',
    );
}
