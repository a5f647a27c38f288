import { defineOp } from "@imagine-opd/tensor-ops";
import * as tf from "@tensorflow/tfjs-core";
import { limitLogits } from "./limit-logits.ts";
import { neverOnTheTape } from "./never-on-the-tape.ts";
import { logProbsFrom } from "./row-score.ts";

/**
 * Kernel `RowTokenGradient`: inputs logits `[n, c]`, columns `[n]` of the tokens, and `[4, n]` shift, log-sum, coefficient c
 * and 1 (0 where the token is not among the columns); output `[n, c]` (c/τ)·(1[v = y] − S_v), the gradient of c · ln S_y.
 */
export const rowTokenGradient = defineOp<{ readonly temperature: number }>({
  name: "RowTokenGradient",
  save: { inputs: false },
  compose: ([logits, columns, numbers], { temperature }) => {
    const [shift, logSum, coefficient, inside] = tf.split(tf.transpose(numbers!), 4, 1);
    const chosen = tf.tidy(() => tf.mul(markColumns(columns as tf.Tensor1D, logits!.shape[1]!), inside!));
    const difference = tf.tidy(() => {
      const logProbs = logProbsFrom(limitLogits(logits!), { shift: shift!, logSum: logSum! }, temperature);
      return tf.sub(chosen, tf.exp(logProbs));
    });
    chosen.dispose();
    return tf.mul(difference, tf.div(coefficient!, temperature));
  },
  gradient: () => neverOnTheTape("RowTokenGradient"),
});

/** `[n, c]` 1 at each row's column, else 0. */
function markColumns(columns: tf.Tensor1D, width: number): tf.Tensor {
  if (width === 1) return tf.ones([columns.size, 1]);
  // tfjs 4.22 on wasm writes integer ones into a float32 oneHot, which read as 1.4e-45: make it int32, then convert.
  return tf.cast(tf.oneHot(columns, width), "float32");
}
