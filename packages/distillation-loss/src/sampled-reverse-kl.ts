import type { Tensor2D } from "@tensorflow/tfjs-core";
import { requireMatrix } from "./check-logits.ts";
import type { DistillationResult } from "./distillation-result.ts";
import { type Importance, weighImportance } from "./importance-weight.ts";
import { lossOfLogits } from "./loss-of-logits.ts";
import { type HeadOptions, lossThroughHead } from "./loss-through-head.ts";
import type { RowObjective } from "./row-objective.ts";
import type { RowOptions } from "./row-options.ts";
import { planRows, type RowPlan } from "./row-plan.ts";
import { type AdvantageOptions, type RatioOptions, sampledReverseKlSurrogate } from "./surrogates.ts";
import { tokenObjective } from "./token-objective.ts";

/** What {@link sampledReverseKl} is told beside the student's logits: tokens, the teacher's log-probs of them, and bounds. */
export type SampledReverseKlOptions = RowOptions & RatioOptions & AdvantageOptions & SampledTokens;

interface SampledTokens {
  /** `[N]` ids that the student sampled. */
  readonly tokens: Int32Array;
  /** `[N]` the teacher's log-probs of them, at the same temperature and with the same ids banned. */
  readonly teacherLogProbs: Float32Array;
  /** A truncated weight beside the surrogate's own ratio, for example against the sampler's numerics. @default not weighted */
  readonly importance?: Importance;
}

/** What {@link sampledReverseKlThroughHead} is told beside the student's states. */
export type SampledReverseKlThroughHeadOptions = SampledReverseKlOptions & HeadOptions;

/**
 * Policy gradient of KL(student‖teacher) on the sampled tokens, the objective of Imagine-OPD (arXiv 2606.08719), from the
 * student's `[N, V]` logits. With the advantage A = ln T(y) − ln S(y), a constant, the loss is the weighted mean of −A·ρ
 * and its gradient −A·ρ·∂ ln S(y), whose expectation over y ~ S is the gradient of the full reverse KL. While ρ = 1 the
 * value is the mean of k1 = ln S(y) − ln T(y). Differentiable in `student`.
 */
export function sampledReverseKl(student: Tensor2D, options: SampledReverseKlOptions): DistillationResult {
  const where = "distillation-loss.sampledReverseKl";
  requireMatrix(where, "student", student);
  const plan = planRows(where, student.shape[0], student.shape[1], options);
  return lossOfLogits(plan, chooseObjective(plan, options), [student]);
}

/** The same from the student's `[N, D]` hidden states. Differentiable in `states` and in the head's trainable weights. */
export function sampledReverseKlThroughHead(
  states: Tensor2D,
  options: SampledReverseKlThroughHeadOptions,
): DistillationResult {
  const where = "distillation-loss.sampledReverseKlThroughHead";
  requireMatrix(where, "states", states);
  const plan = planRows(where, states.shape[0], options.head.vocabSize, options);
  return lossThroughHead(plan, chooseObjective(plan, options), states, options);
}

function chooseObjective(plan: RowPlan, options: SampledReverseKlOptions): RowObjective {
  const surrogate = sampledReverseKlSurrogate(plan, options.teacherLogProbs, options);
  return weighImportance(plan, tokenObjective(plan, options.tokens, surrogate), options.importance);
}
