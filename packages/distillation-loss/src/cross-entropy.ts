import type { Tensor2D } from "@tensorflow/tfjs-core";
import { requireMatrix } from "./check-logits.ts";
import type { DistillationResult } from "./distillation-result.ts";
import { lossOfLogits } from "./loss-of-logits.ts";
import { type HeadOptions, lossThroughHead } from "./loss-through-head.ts";
import type { RowOptions } from "./row-options.ts";
import { planRows } from "./row-plan.ts";
import { crossEntropySurrogate } from "./surrogates.ts";
import { tokenObjective } from "./token-objective.ts";

/** What {@link crossEntropy} is told beside its logits. */
export type CrossEntropyOptions = RowOptions & {
  /** `[N]` target ids. */
  readonly tokens: Int32Array;
};

/** What {@link crossEntropyThroughHead} is told beside its states. */
export type CrossEntropyThroughHeadOptions = CrossEntropyOptions & HeadOptions;

/** Weighted mean of −ln S(y) for given tokens y, from `[N, V]` logits, in nats. Differentiable in `logits`. */
export function crossEntropy(logits: Tensor2D, options: CrossEntropyOptions): DistillationResult {
  const where = "distillation-loss.crossEntropy";
  requireMatrix(where, "logits", logits);
  const plan = planRows(where, logits.shape[0], logits.shape[1], options);
  return lossOfLogits(plan, tokenObjective(plan, options.tokens, crossEntropySurrogate), [logits]);
}

/** The same from `[N, D]` hidden states. Differentiable in `states` and in the head's trainable weights. */
export function crossEntropyThroughHead(states: Tensor2D, options: CrossEntropyThroughHeadOptions): DistillationResult {
  const where = "distillation-loss.crossEntropyThroughHead";
  requireMatrix(where, "states", states);
  const plan = planRows(where, states.shape[0], options.head.vocabSize, options);
  return lossThroughHead(plan, tokenObjective(plan, options.tokens, crossEntropySurrogate), states, options);
}
