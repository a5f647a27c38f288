import type { Head, WeightView } from "@imagine-opd/protocol/policy";
import * as tf from "@tensorflow/tfjs-core";

export interface DenseHead extends Head {
  /** Rows of each call of `logits` so far. */
  readonly logitsRows: number[];
  /** Rows of each call of `backward` so far. */
  readonly backwardRows: number[];
}

/** logits = states · Wᵀ with W `[V, D]` under the name "head.weight", trainable or frozen, which counts its calls. */
export function createDenseHead(weight: tf.Tensor2D, kind: "trainable" | "frozen"): DenseHead {
  const logitsRows: number[] = [];
  const backwardRows: number[] = [];
  const weightOf = (view: WeightView = { kind: "student" }): tf.Tensor2D => {
    if (view.kind === "merged") return view.weights["head.weight"] as tf.Tensor2D;
    if (view.kind === "replaced") return view.trainable["head.weight"] as tf.Tensor2D;
    return weight;
  };
  return {
    vocabSize: weight.shape[0],
    trainable: kind === "trainable" ? ["head.weight"] : [],
    logitsRows,
    backwardRows,
    logits(states, { weights } = {}) {
      logitsRows.push(states.shape[0]);
      return tf.matMul(states, weightOf(weights), false, true);
    },
    backward(states, dLogits) {
      backwardRows.push(states.shape[0]);
      const trainable: Record<string, tf.Tensor> = {};
      if (kind === "trainable") trainable["head.weight"] = tf.matMul(dLogits, states, true, false);
      return { states: tf.matMul<tf.Tensor2D>(dLogits, weight), trainable };
    },
  };
}
