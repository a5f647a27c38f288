import { defineOp } from "@imagine-opd/tensor-ops";
import * as tf from "@tensorflow/tfjs-core";
import { neverOnTheTape } from "./never-on-the-tape.ts";
import { entropyOf, hasPossibleToken, logProbsFrom, normalizeRows, pickTokens } from "./normalize-rows.ts";
import { pickColumn, type StatisticName, stackStatistics } from "./statistics.ts";

/** Rows of the result of {@link rowTokenScore}. */
export const tokenScoreStatistics = [
  "defined",
  "studentShift",
  "studentLogSum",
  "studentEntropy",
  "studentLogProb",
] as const satisfies readonly StatisticName[];

/**
 * Kernel `RowTokenScore`: inputs logits `[n, V]` and token ids `[n]`; output `[5, n]`, see
 * {@link tokenScoreStatistics}. Logits are finite.
 */
export const rowTokenScore = defineOp<{ readonly temperature: number }>({
  name: "RowTokenScore",
  save: { inputs: false },
  compose: ([logits, tokens], { temperature }) => {
    const rows = normalizeRows(logits as tf.Tensor2D, temperature);
    const logProbs = pickTokens(rows.logProbs, tokens as tf.Tensor1D);
    return stackStatistics([hasPossibleToken(rows.shift), rows.shift, rows.logSum, entropyOf(rows), logProbs]);
  },
  gradient: () => neverOnTheTape("RowTokenScore"),
});

/**
 * Kernel `RowTokenGradient`: inputs logits `[n, V]`, token ids `[n]`, the result of {@link rowTokenScore} and
 * coefficients c `[n]`; output `[n, V]` (c/τ)·(1[v = y] − S_v), the gradient of c · ln S_y.
 */
export const rowTokenGradient = defineOp<{ readonly temperature: number }>({
  name: "RowTokenGradient",
  save: { inputs: false },
  compose: ([logits, tokens, score, coefficients], { temperature }) => {
    const column = (name: StatisticName) => pickColumn(score as tf.Tensor2D, tokenScoreStatistics, name);
    const rows = { shift: column("studentShift"), logSum: column("studentLogSum") };
    const probabilities = tf.exp(logProbsFrom(logits as tf.Tensor2D, rows, temperature));
    const chosen = tf.oneHot(tokens as tf.Tensor1D, logits!.shape[1]!, 1, 0, "float32");
    return tf.mul(
      tf.sub(chosen, probabilities),
      tf.div(tf.reshape(coefficients!, [coefficients!.size, 1]), temperature),
    );
  },
  gradient: () => neverOnTheTape("RowTokenGradient"),
});
