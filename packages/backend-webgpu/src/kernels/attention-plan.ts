import type { TensorInfo } from "@tensorflow/tfjs-core";
import { refuseMismatch, requireShape } from "./check-inputs.ts";

/** Sizes of an attention as its programs take them. */
export interface AttentionPlan {
  /** `[B, H, n, d]` and `[B, kvHeads, m, d]` are the shapes of queries and keys. */
  readonly sizes: {
    readonly batch: number;
    readonly heads: number;
    readonly kvHeads: number;
    readonly queries: number;
    readonly keys: number;
  };
  /** How far apart in the bias sequences, heads and queries lie; 0 where it repeats. */
  readonly biasSteps: { readonly biasBatch: number; readonly biasHead: number; readonly biasQuery: number };
  /** d */
  readonly size: number;
}

/** @throws mismatch when the shapes are not those of an attention */
export function planAttention(
  name: string,
  q: TensorInfo,
  k: TensorInfo,
  v: TensorInfo,
  bias: TensorInfo | undefined,
): AttentionPlan {
  const [batch, heads, queries, size] = q.shape as [number, number, number, number];
  const [, kvHeads, keys] = k.shape as [number, number, number, number];
  requireShape(name, "k", k, [batch, kvHeads, keys, size]);
  requireShape(name, "v", v, k.shape);
  if (heads % kvHeads !== 0) refuseMismatch(name, `${heads} query heads do not share ${kvHeads} key heads.`);
  const biasSteps = stepsOf(name, bias?.shape ?? [1, 1, 1, keys], [batch, heads, queries, keys]);
  return { sizes: { batch, heads, kvHeads, queries, keys }, biasSteps, size };
}

function stepsOf(name: string, given: readonly number[], full: readonly number[]): AttentionPlan["biasSteps"] {
  const shape = [...Array<number>(Math.max(0, 4 - given.length)).fill(1), ...given];
  const fits = shape.length === 4 && shape.every((length, axis) => length === full[axis] || (length === 1 && axis < 3));
  if (!fits) refuseMismatch(name, `a bias of shape [${given}] does not repeat into [${full}].`);
  const [batch, heads, queries, keys] = shape as [number, number, number, number];
  return {
    biasBatch: batch === 1 ? 0 : heads * queries * keys,
    biasHead: heads === 1 ? 0 : queries * keys,
    biasQuery: queries === 1 ? 0 : keys,
  };
}
