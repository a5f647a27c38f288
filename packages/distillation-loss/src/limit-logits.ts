import * as tf from "@tensorflow/tfjs-core";
import type { Range, RowPlan } from "./row-plan.ts";

/**
 * The logit of an impossible token. Beside it every real logit is lost to rounding, so two impossible tokens differ by
 * exactly 0, their probability is exactly 0, and no infinity meets a 0.
 */
export const impossibleLogit = -1e30;
const noLimit = 3e38;

/** `[V]` upper bounds that make the banned ids impossible, or `undefined` when none is banned. */
export function createCeilings(plan: RowPlan): tf.Tensor1D | undefined {
  if (plan.banned.length === 0) return undefined;
  const ceilings = new Float32Array(plan.vocabSize).fill(noLimit);
  for (const id of plan.banned) ceilings[id] = impossibleLogit;
  return tf.tensor1d(ceilings);
}

/** Logits with the banned ids impossible, in a tensor of its own. `[n, c]` to `[n, c]`. */
export function banLogits(logits: tf.Tensor2D, ceilings: tf.Tensor1D | undefined, { from, to }: Range): tf.Tensor2D {
  if (ceilings === undefined) return tf.clone(logits);
  return tf.tidy(() => tf.minimum<tf.Tensor2D>(logits, tf.slice(ceilings, [from], [to - from])));
}

/** Finite logits: those at -Infinity become impossible. */
export function limitLogits<Logits extends tf.Tensor>(logits: Logits): Logits {
  return tf.maximum(logits, impossibleLogit);
}
