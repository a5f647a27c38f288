import * as tf from "@tensorflow/tfjs-core";
import { limitLogits } from "./limit-logits.ts";
import { refuseArgument } from "./refuse-argument.ts";
import { requireCount } from "./require-number.ts";
import type { VocabularyPass } from "./vocabulary.ts";

/** Which ids a divergence tells apart, and what becomes of the rest. */
export interface TopK {
  /**
   * Whose k most likely ids the support K is made of, ties going to the lower id; a constant of the gradient.
   *
   * - `student`: does not see what the teacher likes and the student does not
   * - `teacher`: does not see what the student wrongly likes
   * - `union`: the ids of both, k to 2k of them
   */
  readonly support: "student" | "teacher" | "union";
  /** Ids of each model; V or more compares the whole distributions. */
  readonly k: number;
  /**
   * - `tail`: all other ids are one more, with the mass of them all. The divergence is at most the full one and moves mass
   *   into and out of the support.
   * - `renormalise`: both models are divided by their mass on the support. Other ids get no gradient; values on different
   *   supports cannot be compared, and may exceed the full divergence.
   */
  readonly mass: "tail" | "renormalise";
}

/** Refuses what is not a {@link TopK}. */
export function checkTopK(where: string, { support, k, mass }: TopK): void {
  requireCount(where, "topK.k", k, 1, "ids");
  if (!["student", "teacher", "union"].includes(support))
    refuseArgument(where, `topK.support must be "student", "teacher" or "union", got ${JSON.stringify(support)}.`);
  if (!["tail", "renormalise"].includes(mass))
    refuseArgument(where, `topK.mass must be "tail" or "renormalise", got ${JSON.stringify(mass)}.`);
}

/** The `[2m, n]` m = min(k, V) largest logits of a model, then their ids. */
export function topKPass(model: number, k: number): VocabularyPass {
  return {
    read: (logits, { from }) => {
      const rows = limitLogits(logits[model]!);
      const { values, indices } = tf.topk(rows, Math.min(k, rows.shape[1]));
      return stackTop(values, tf.add(tf.cast(indices, "float32"), from));
    },
    merge: (left, right) => {
      const [a, b] = [splitTop(left), splitTop(right)];
      // The left ids are lower and stand first, so that a tie stays with them.
      const [candidates, ids] = [tf.concat([a.values, b.values], 1), tf.concat([a.ids, b.ids], 1)];
      const { values, indices } = tf.topk(candidates, Math.min(k, candidates.shape[1]!));
      return stackTop(values, gatherColumns(ids, indices));
    },
  };
}

/** `[n]` the smallest of the top k logits, and the largest id among the top k that has it. */
export function findBounds(top: tf.Tensor2D): { floor: tf.Tensor1D; last: tf.Tensor1D } {
  return tf.tidy(() => {
    const { values, ids } = splitTop(top);
    const floor = tf.min(values, 1, true);
    const last = tf.max(tf.mul(ids, tf.cast(tf.equal(values, floor), "float32")), 1);
    return { floor: tf.reshape(floor, [floor.size]), last: last as tf.Tensor1D };
  });
}

/**
 * `[n, c]` 1 for a model's top k ids, else 0, found again from the logits themselves: above the floor, or at it and not after
 * the last. So the support is two numbers a row, whatever k is and however the vocabulary is sliced.
 */
export function markTopK(logits: tf.Tensor, bounds: { floor: tf.Tensor; last: tf.Tensor }, from: number): tf.Tensor {
  // Differences and steps instead of comparisons, whose broadcasting takes stock backends thirty times as long.
  return tf.tidy(() => {
    const ids = tf.reshape(tf.range(from, from + logits.shape[1]!, 1, "float32"), [1, logits.shape[1]!]);
    const above = tf.sub(logits, bounds.floor);
    const notAfter = tf.step(tf.sub(tf.add(bounds.last, 0.5), ids));
    const elsewhere = tf.step(tf.abs(above));
    return tf.add(tf.step(above), tf.mul(tf.sub(1, elsewhere), notAfter));
  });
}

/** The entries of `inside` where `mask` is 1 and of `outside` where it is 0, exactly; both are finite. */
export function choose(mask: tf.Tensor, inside: tf.Tensor, outside: tf.Tensor | number): tf.Tensor {
  return tf.tidy(() => tf.add(tf.mul(inside, mask), tf.mul(tf.sub(1, mask), outside)));
}

function stackTop(values: tf.Tensor, ids: tf.Tensor): tf.Tensor2D {
  return tf.transpose(tf.concat([values, ids], 1)) as tf.Tensor2D;
}

function splitTop(top: tf.Tensor2D): { values: tf.Tensor; ids: tf.Tensor } {
  const [values, ids] = tf.split(tf.transpose(top), 2, 1);
  return { values: values!, ids: ids! };
}

/** `[n, m]` of each row of `[n, c]` the entries at its `[n, m]` columns. */
function gatherColumns(rows: tf.Tensor, columns: tf.Tensor): tf.Tensor {
  const [count, width] = rows.shape as [number, number];
  const starts = tf.reshape(tf.mul(tf.range(0, count, 1, "int32"), tf.scalar(width, "int32")), [count, 1]);
  return tf.gather(tf.reshape(rows, [count * width]), tf.add(tf.cast(columns, "int32"), starts));
}
