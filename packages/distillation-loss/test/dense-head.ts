import type { Head, WeightView } from "@imagine-opd/protocol/policy";
import * as tf from "@tensorflow/tfjs-core";

export interface DenseHead extends Head {
  /** Rows of each call of `logits` so far. */
  readonly logitsRows: number[];
  /** Columns of each call of `logits` so far. */
  readonly logitsColumns: number[];
  /** Rows of each call of `backward` so far. */
  readonly backwardRows: number[];
}

/** logits = states · Wᵀ with W `[V, D]` under the name "head.weight", trainable or frozen, which counts its calls. */
export function createDenseHead(weight: tf.Tensor2D, kind: "trainable" | "frozen"): DenseHead {
  const logitsRows: number[] = [];
  const logitsColumns: number[] = [];
  const backwardRows: number[] = [];
  const [vocabSize, width] = weight.shape;
  const sliceOf = (rows: tf.Tensor2D, from: number, to: number) => tf.slice(rows, [from, 0], [to - from, width]);
  const weightOf = (view: WeightView = { kind: "student" }): tf.Tensor2D => {
    if (view.kind === "merged") return view.weights["head.weight"] as tf.Tensor2D;
    if (view.kind === "replaced") return view.trainable["head.weight"] as tf.Tensor2D;
    return weight;
  };
  return {
    vocabSize,
    trainable: kind === "trainable" ? ["head.weight"] : [],
    logitsRows,
    logitsColumns,
    backwardRows,
    logits(states, { weights, from = 0, to = vocabSize } = {}) {
      logitsRows.push(states.shape[0]);
      logitsColumns.push(to - from);
      return tf.tidy(() => tf.matMul(states, sliceOf(weightOf(weights), from, to), false, true));
    },
    backward(states, dLogits, { from = 0, to = vocabSize } = {}) {
      backwardRows.push(states.shape[0]);
      const trainable: Record<string, tf.Tensor> = {};
      if (kind === "trainable")
        trainable["head.weight"] = tf.tidy(() => {
          const dRows = tf.matMul<tf.Tensor2D>(dLogits, states, true, false);
          return tf.pad(dRows, [
            [from, vocabSize - to],
            [0, 0],
          ]);
        });
      return { states: tf.tidy(() => tf.matMul<tf.Tensor2D>(dLogits, sliceOf(weight, from, to))), trainable };
    },
  };
}
