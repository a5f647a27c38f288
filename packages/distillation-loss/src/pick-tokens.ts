import * as tf from "@tensorflow/tfjs-core";
import { limitLogits } from "./limit-logits.ts";
import type { Range } from "./row-plan.ts";
import type { VocabularyPass } from "./vocabulary.ts";

/** The `[1, n]` logits of one id a row. */
export function tokenPass(model: number, tokens: Int32Array): VocabularyPass {
  return {
    read: (logits, slice) => {
      const { columns, inside } = locateTokens(tokens, slice);
      const [count, width] = logits[model]!.shape;
      // One gather from the flattened rows: a gather with batch dimensions is far slower on some backends.
      const places = columns.map((column, row) => row * width + column);
      const picked = tf.gather(tf.reshape(logits[model]!, [count * width]), tf.tensor1d(places, "int32"));
      return tf.reshape(tf.mul(limitLogits(picked), tf.tensor1d(inside)), [1, count]);
    },
    merge: (left, right) => tf.add(left, right),
  };
}

/** Where ids stand in a slice of the vocabulary: a column that exists, and 1, or 0 where the id is not in it. */
export function locateTokens(tokens: Int32Array, { from, to }: Range): { columns: Int32Array; inside: Float32Array } {
  return {
    columns: tokens.map((id) => Math.min(Math.max(id, from), to - 1) - from),
    inside: Float32Array.from(tokens, (id) => (id >= from && id < to ? 1 : 0)),
  };
}
