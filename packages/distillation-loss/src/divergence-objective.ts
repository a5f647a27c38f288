import * as tf from "@tensorflow/tfjs-core";
import { takeActiveTokens } from "./active-rows.ts";
import { refuseArgument } from "./refuse-argument.ts";
import { type Divergence, divergenceStatistics, rowDivergence, rowDivergenceGradient } from "./row-divergence.ts";
import type { RowObjective } from "./row-objective.ts";
import type { RowPlan } from "./row-plan.ts";

/** The objective of a full-vocabulary divergence. With tokens it also reads both models' log-probs of them. */
export function divergenceObjective(plan: RowPlan, divergence: Divergence, tokens?: Int32Array): RowObjective {
  checkDivergence(plan.where, divergence);
  const attributes = { divergence, temperature: plan.temperature };
  const activeTokens = tokens === undefined ? undefined : takeActiveTokens(plan, tokens);
  return {
    statistics: tokens === undefined ? divergenceStatistics.slice(0, -2) : divergenceStatistics,
    measure: (logits, { from, to }) =>
      tf.tidy(() => {
        const ids = activeTokens === undefined ? [] : [tf.tensor1d(activeTokens.subarray(from, to), "int32")];
        return rowDivergence([...logits, ...ids], attributes) as tf.Tensor2D;
      }),
    differentiate: (logits, statistics, coefficients) =>
      rowDivergenceGradient([...logits, statistics, coefficients], attributes) as tf.Tensor2D,
  };
}

function checkDivergence(where: string, divergence: Divergence): void {
  const kind: string = divergence.kind;
  if (kind === "reverse-kl" || kind === "forward-kl") return;
  if (divergence.kind !== "jsd")
    refuseArgument(
      where,
      `divergence.kind must be "reverse-kl", "forward-kl" or "jsd", got ${JSON.stringify(kind)}.`,
      kind === "k1"
        ? "k1 has an expected gradient of 0; the sampled form of the reverse KL is sampledReverseKl."
        : undefined,
    );
  const { beta } = divergence;
  if (!(beta > 0 && beta < 1))
    refuseArgument(
      where,
      `beta of the jsd must be above 0 and below 1, got ${beta}.`,
      'The jsd vanishes at both ends: use kind "forward-kl" (beta towards 0) or "reverse-kl" (beta towards 1).',
    );
}
