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

/** Finite logits: banned ids and those at -Infinity become impossible. `[n, c]` to `[n, c]`. */
export function limitLogits(logits: tf.Tensor2D, ceilings: tf.Tensor1D | undefined, { from, to }: Range): tf.Tensor2D {
  return tf.tidy(() => {
    if (ceilings === undefined) return tf.maximum(logits, impossibleLogit);
    return tf.maximum(tf.minimum<tf.Tensor2D>(logits, tf.slice(ceilings, [from], [to - from])), impossibleLogit);
  });
}
