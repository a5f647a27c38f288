import type { Tensor2D } from "@tensorflow/tfjs-core";
import { requireMatrix } from "./check-logits.ts";
import type { DistillationResult } from "./distillation-result.ts";
import { type Importance, weighImportance } from "./importance-weight.ts";
import { lossOfLogits } from "./loss-of-logits.ts";
import { type HeadOptions, lossThroughHead } from "./loss-through-head.ts";
import type { RowObjective } from "./row-objective.ts";
import type { RowOptions } from "./row-options.ts";
import { planRows, type RowPlan } from "./row-plan.ts";
import { policyGradientSurrogate, type RatioOptions } from "./surrogates.ts";
import { tokenObjective } from "./token-objective.ts";

/** What {@link policyGradient} is told beside its logits: tokens, advantages and bounds on the importance ratio. */
export type PolicyGradientOptions = RowOptions & RatioOptions & ScoredTokens;

interface ScoredTokens {
  /** `[N]` sampled ids. */
  readonly tokens: Int32Array;
  /** `[N]` advantages A, one a token; constants. */
  readonly advantages: Float32Array;
  /** A truncated weight beside the surrogate's own ratio, for example against the sampler's numerics. @default not weighted */
  readonly importance?: Importance;
}

/** What {@link policyGradientThroughHead} is told beside its states. */
export type PolicyGradientThroughHeadOptions = PolicyGradientOptions & HeadOptions;

/**
 * Weighted mean of −A·ρ over sampled tokens, from `[N, V]` logits, with ρ = S(y) / S_sampling(y). Its gradient is
 * −A·ρ·∂ ln S(y), cut off where a bound of `clip` acts. Differentiable in `logits`.
 */
export function policyGradient(logits: Tensor2D, options: PolicyGradientOptions): DistillationResult {
  const where = "distillation-loss.policyGradient";
  requireMatrix(where, "logits", logits);
  const plan = planRows(where, logits.shape[0], logits.shape[1], options);
  return lossOfLogits(plan, chooseObjective(plan, options), [logits]);
}

/** The same from `[N, D]` hidden states. Differentiable in `states` and in the head's trainable weights. */
export function policyGradientThroughHead(
  states: Tensor2D,
  options: PolicyGradientThroughHeadOptions,
): DistillationResult {
  const where = "distillation-loss.policyGradientThroughHead";
  requireMatrix(where, "states", states);
  const plan = planRows(where, states.shape[0], options.head.vocabSize, options);
  return lossThroughHead(plan, chooseObjective(plan, options), states, options);
}

function chooseObjective(plan: RowPlan, options: PolicyGradientOptions): RowObjective {
  const surrogate = policyGradientSurrogate(plan, options.advantages, options);
  return weighImportance(plan, tokenObjective(plan, options.tokens, surrogate), options.importance);
}
