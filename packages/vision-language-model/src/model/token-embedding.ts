import type { WeightView } from "@imagine-opd/protocol/policy";
import { takeRows } from "@imagine-opd/tensor-ops";
import * as tf from "@tensorflow/tfjs-core";
import { embeddingName } from "./weight-names.ts";
import type { WeightStore } from "./weight-store.ts";

/** Reads rows of a table that stays on the host, widened to float32. */
export type HostRows = (rows: Int32Array) => Float32Array;

/** Rows of a float32 or bfloat16 table. @param table `[V, width]`, row-major */
export function readHostRows(table: Float32Array | Uint16Array, width: number): HostRows {
  return (rows) => {
    const values = new Float32Array(rows.length * width);
    const bits = new Uint32Array(values.buffer);
    rows.forEach((row, i) => {
      const source = table.subarray(row * width, (row + 1) * width);
      if (source instanceof Float32Array) values.set(source, i * width);
      else for (let j = 0; j < width; j++) bits[i * width + j] = source[j]! << 16;
    });
    return values;
  };
}

/**
 * Embeddings of text tokens. A frozen table is read on the host, where it costs no device memory.
 * @returns `[n, D]`
 */
export function embedTokens(
  ids: Int32Array,
  store: WeightStore,
  hostRows: HostRows | undefined,
  view: WeightView,
  width: number,
): tf.Tensor2D {
  const replaced = view.kind === "merged" && view.weights[embeddingName] !== undefined;
  if (hostRows !== undefined && !replaced) return tf.tensor2d(hostRows(ids), [ids.length, width]);
  return takeRows(store.tensor(embeddingName, view), ids) as tf.Tensor2D;
}
