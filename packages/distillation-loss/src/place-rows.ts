import * as tf from "@tensorflow/tfjs-core";
import type { Range, RowPlan } from "./row-plan.ts";

/** The rows of an `[N, columns]` tensor that are worked on: the tensor itself when no row is masked. */
export function takeActiveRows(plan: RowPlan, tensor: tf.Tensor2D): tf.Tensor2D {
  if (plan.active.length === plan.rows) return tensor;
  return tf.gather(tensor, tf.tensor1d(plan.active, "int32"));
}

/** `[N, columns]` with the chunks' rows at their places and zeros in the masked rows. */
export function restoreRows(plan: RowPlan, chunks: readonly tf.Tensor2D[], columns: number): tf.Tensor2D {
  if (chunks.length === 0) return tf.zeros([plan.rows, columns]);
  if (plan.active.length === plan.rows) return tf.concat([...chunks], 0);
  const places = new Int32Array(plan.rows).fill(plan.active.length);
  for (const [place, row] of plan.active.entries()) places[row] = place;
  return tf.gather(tf.concat([...chunks, tf.zeros([1, columns])], 0), tf.tensor1d(places, "int32"));
}

/** The rows of one chunk: the tensor itself when they are all. */
export function sliceChunk(tensor: tf.Tensor2D, { from, to }: Range): tf.Tensor2D {
  if (to - from === tensor.shape[0]) return tensor;
  return tf.slice(tensor, [from, 0], [to - from, tensor.shape[1]]);
}

/** The `[S, n]` statistics of one chunk of `[S, A]`: the tensor itself when they are all. */
export function sliceColumns(tensor: tf.Tensor2D, { from, to }: Range): tf.Tensor2D {
  if (to - from === tensor.shape[1]) return tensor;
  return tf.slice(tensor, [0, from], [tensor.shape[0], to - from]);
}
