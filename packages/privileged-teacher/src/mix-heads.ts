import { ImagineOpdError } from "@imagine-opd/protocol";
import type { Head, WeightView } from "@imagine-opd/protocol/policy";
import * as tf from "@tensorflow/tfjs-core";

/**
 * A head for `[N, 2 · D]` states, the reference's beside the student's, that gives
 * `(1 − studentShare)·reference + studentShare·student` logits. Both views are fixed; it has no gradient.
 */
export function mixHeads(head: Head, reference: WeightView, studentShare: number): Head {
  return {
    vocabSize: head.vocabSize,
    trainable: [],
    logits: (states, { from = 0, to = head.vocabSize } = {}) =>
      tf.tidy(() => {
        const [rows, width] = states.shape;
        const half = (column: number) => tf.slice(states, [0, column], [rows, width / 2]);
        const ofReference = head.logits(half(0), { weights: reference, from, to });
        const ofStudent = head.logits(half(width / 2), { weights: { kind: "student" }, from, to });
        return tf.add(tf.mul(ofReference, 1 - studentShare), tf.mul(ofStudent, studentShare)) as tf.Tensor2D;
      }),
    backward() {
      throw new ImagineOpdError("unsupported", {
        where: "privileged-teacher.mixHeads",
        problem: "the head of a trust-region teacher has no gradient.",
        remedy: "Differentiate in the student's states; the teacher's are constants.",
      });
    },
  };
}
