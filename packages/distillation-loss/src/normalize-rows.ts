import * as tf from "@tensorflow/tfjs-core";
import { impossibleLogit } from "./limit-logits.ts";

/** A softmax over the vocabulary, row by row. */
export interface NormalizedRows {
  /** `[n, V]` s = (z − shift) / τ − logSum, in nats. */
  readonly logProbs: tf.Tensor2D;
  /** `[n, V]` S = e^s. */
  readonly probabilities: tf.Tensor2D;
  /** `[n, 1]` max z. */
  readonly shift: tf.Tensor2D;
  /** `[n, 1]` ln Σ e^((z − shift) / τ), at least 0. */
  readonly logSum: tf.Tensor2D;
}

/** Softmax and log-softmax of logits / τ. The maximum is taken off before anything is divided or exponentiated. */
export function normalizeRows(logits: tf.Tensor2D, temperature: number): NormalizedRows {
  return tf.tidy(() => {
    const shift = tf.max<tf.Tensor2D>(logits, 1, true);
    const scaled = scale(tf.sub(logits, shift), temperature);
    const exponentials = tf.exp(scaled);
    const sum = tf.sum<tf.Tensor2D>(exponentials, 1, true);
    const logSum = tf.log(sum);
    return {
      logProbs: tf.sub<tf.Tensor2D>(scaled, logSum),
      probabilities: tf.div<tf.Tensor2D>(exponentials, sum),
      shift,
      logSum,
    };
  });
}

/** `[n, V]` log-probs again from the logits and what {@link normalizeRows} found. */
export function logProbsFrom(
  logits: tf.Tensor2D,
  { shift, logSum }: Pick<NormalizedRows, "shift" | "logSum">,
  temperature: number,
): tf.Tensor2D {
  return tf.tidy(() => tf.sub(scale(tf.sub(logits, shift), temperature), logSum));
}

/** `[n, 1]` 1 where the row has a possible token, 0 where all of them are impossible. */
export function hasPossibleToken(shift: tf.Tensor2D): tf.Tensor2D {
  return tf.step(tf.sub(shift, impossibleLogit / 10));
}

/** `[n, 1]` entropy −Σ S s in nats. */
export function entropyOf({ logProbs, probabilities }: NormalizedRows): tf.Tensor2D {
  return tf.tidy(() => tf.neg(tf.sum<tf.Tensor2D>(tf.mul(probabilities, logProbs), 1, true)));
}

/** `[n]` entries of `[n, V]` at one id a row. */
export function pickTokens(rows: tf.Tensor2D, tokens: tf.Tensor1D): tf.Tensor1D {
  return tf.tidy(() => {
    const [count, vocabSize] = rows.shape;
    // One gather from the flattened rows: a gather with batch dimensions is far slower on some backends.
    const starts = tf.mul(tf.range(0, count, 1, "int32"), tf.scalar(vocabSize, "int32"));
    return tf.gather(tf.reshape(rows, [count * vocabSize]), tf.add(starts, tokens));
  });
}

function scale(rows: tf.Tensor2D, temperature: number): tf.Tensor2D {
  return temperature === 1 ? rows : tf.div(rows, temperature);
}
