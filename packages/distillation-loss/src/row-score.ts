import { defineOp } from "@imagine-opd/tensor-ops";
import * as tf from "@tensorflow/tfjs-core";
import { impossibleLogit, limitLogits } from "./limit-logits.ts";
import { neverOnTheTape } from "./never-on-the-tape.ts";
import type { VocabularyPass } from "./vocabulary.ts";

/**
 * What a model says about a row, `[n]` each: the maximum logit; ln Σ e^((z − shift)/τ), at least 0 for the whole
 * vocabulary; the entropy in nats; the most likely id, the lowest of equals.
 */
export interface RowScore {
  readonly shift: tf.Tensor1D;
  readonly logSum: tf.Tensor1D;
  readonly entropy: tf.Tensor1D;
  readonly top: tf.Tensor1D;
}

/**
 * Kernel `RowScore`: input logits `[n, c]`, below Infinity; output `[4, n]` shift, log-sum, entropy and most likely column, see
 * {@link RowScore}. The maximum is taken off before anything is divided or exponentiated. A fused kernel reads a row once.
 */
export const rowScore = defineOp<{ readonly temperature: number }>({
  name: "RowScore",
  save: { inputs: false },
  compose: ([logits], { temperature }) => {
    const shift = limitLogits(tf.max(logits!, 1, true));
    const scaled = tf.tidy(() => scaleLogits(tf.sub(limitLogits(logits!), shift), temperature));
    const exponentials = tf.exp(scaled);
    const sum = tf.sum(exponentials, 1);
    const logSum = tf.log(sum);
    // −Σ S ln S with ln S = scaled − logSum: both terms are at least 0, so nothing cancels.
    const entropy = tf.sub(
      logSum,
      tf.div(
        tf.tidy(() => tf.sum(tf.mul(exponentials, scaled), 1)),
        sum,
      ),
    );
    const top = tf.cast(tf.argMax(logits!, 1), "float32");
    return tf.stack([tf.reshape(shift, logSum.shape), logSum, entropy, top]);
  },
  gradient: () => neverOnTheTape("RowScore"),
});

/** The `[4, n]` score of one of the models over the whole vocabulary. */
export function scorePass(model: number, temperature: number): VocabularyPass {
  return {
    read: (logits, { from }) => {
      const score = rowScore([logits[model]!], { temperature }) as tf.Tensor2D;
      return from === 0 ? score : tf.add(score, tf.tensor2d([0, 0, 0, from], [4, 1]));
    },
    merge: (left, right) => {
      const [a, b] = [splitScore(left), splitScore(right)];
      const { shift, logSum, leftShare, rightShare } = mergeSums(a, b, temperature);
      // The entropy of a mixture of distributions that share no token.
      const part = (score: RowScore, logShare: tf.Tensor) => tf.mul(tf.exp(logShare), tf.sub(score.entropy, logShare));
      const entropy = tf.add(part(a, leftShare), part(b, rightShare));
      return tf.stack([shift, logSum, entropy, tf.where(tf.greater(b.shift, a.shift), b.top, a.top)]) as tf.Tensor2D;
    },
  };
}

/** The named rows of a `[4, n]` score. */
export function splitScore(score: tf.Tensor2D): RowScore {
  const [shift, logSum, entropy, top] = tf.unstack(score) as [tf.Tensor1D, tf.Tensor1D, tf.Tensor1D, tf.Tensor1D];
  return { shift, logSum, entropy, top };
}

type ShiftedSum = Pick<RowScore, "shift" | "logSum">;

/** ln Σ over both parts of a vocabulary, again relative to the maximum, and the logarithm of each part's share of it. */
export function mergeSums(left: ShiftedSum, right: ShiftedSum, temperature: number) {
  const shift = tf.maximum(left.shift, right.shift);
  const relative = (part: ShiftedSum) =>
    tf.add(scaleLogits(tf.sub(part.shift, shift), temperature), part.logSum) as tf.Tensor1D;
  const [a, b] = [relative(left), relative(right)];
  const logSum = tf.add(tf.maximum(a, b), tf.log1p(tf.exp(tf.neg(tf.abs(tf.sub(a, b)))))) as tf.Tensor1D;
  return { shift: shift as tf.Tensor1D, logSum, leftShare: tf.sub(a, logSum), rightShare: tf.sub(b, logSum) };
}

/** Log-probs in nats of logits, from what the row's score found; shapes as they broadcast. */
export function logProbsFrom(
  logits: tf.Tensor,
  { shift, logSum }: { readonly shift: tf.Tensor; readonly logSum: tf.Tensor },
  temperature: number,
): tf.Tensor {
  return tf.tidy(() => tf.sub(scaleLogits(tf.sub(logits, shift), temperature), logSum));
}

/** 1 where the largest logit is that of a possible token, 0 where all are impossible. */
export function hasPossibleToken(shift: tf.Tensor): tf.Tensor {
  return tf.tidy(() => tf.step(tf.sub(shift, impossibleLogit / 10)));
}

function scaleLogits(shifted: tf.Tensor, temperature: number): tf.Tensor {
  return temperature === 1 ? shifted : tf.div(shifted, temperature);
}
