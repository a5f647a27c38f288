import { defineOp } from "@imagine-opd/tensor-ops";
import * as tf from "@tensorflow/tfjs-core";
import { neverOnTheTape } from "./never-on-the-tape.ts";
import {
  entropyOf,
  hasPossibleToken,
  logProbsFrom,
  type NormalizedRows,
  normalizeRows,
  pickTokens,
} from "./normalize-rows.ts";
import { pickColumn, type StatisticName, stackStatistics } from "./statistics.ts";

/**
 * How far apart two next-token distributions are, in nats. S is the student's, T the teacher's.
 *
 * - `reverse-kl`: KL(student‖teacher) = Σ S (ln S − ln T); seeks the teacher's modes
 * - `forward-kl`: KL(teacher‖student) = Σ T (ln T − ln S); covers the teacher's mass
 * - `jsd`: generalised Jensen–Shannon divergence β·KL(T‖M) + (1−β)·KL(S‖M) with M = (1−β)·S + β·T, 0 < β < 1
 *   (Agarwal et al., arXiv 2306.13649; β oriented as in TRL). It vanishes at both ends of β, which are refused: the two
 *   KLs are kinds of their own.
 */
export type Divergence =
  | { readonly kind: "reverse-kl" }
  | { readonly kind: "forward-kl" }
  | { readonly kind: "jsd"; readonly beta: number };

export interface RowDivergenceAttributes {
  readonly divergence: Divergence;
  readonly temperature: number;
}

/** Rows of the result of {@link rowDivergence}; the last two only when it is given tokens. */
export const divergenceStatistics = [
  "value",
  "defined",
  "pull",
  "studentShift",
  "studentLogSum",
  "teacherShift",
  "teacherLogSum",
  "studentEntropy",
  "teacherEntropy",
  "studentLogProb",
  "teacherLogProb",
] as const satisfies readonly StatisticName[];

/**
 * Kernel `RowDivergence`: inputs student logits `[n, V]`, teacher logits `[n, V]` and, optionally, token ids `[n]`;
 * output `[9 or 11, n]`, see {@link divergenceStatistics}. Logits are finite.
 */
export const rowDivergence = defineOp<RowDivergenceAttributes>({
  name: "RowDivergence",
  save: { inputs: false },
  compose: ([student, teacher, tokens], { divergence, temperature }) => {
    const s = normalizeRows(student as tf.Tensor2D, temperature);
    const t = normalizeRows(teacher as tf.Tensor2D, temperature);
    const { value, pull } = compareRows(s, t, divergence);
    const defined = tf.mul(hasPossibleToken(s.shift), hasPossibleToken(t.shift));
    const columns: tf.Tensor[] = [value, defined, pull, s.shift, s.logSum, t.shift, t.logSum];
    columns.push(entropyOf(s), entropyOf(t));
    if (tokens !== undefined)
      columns.push(pickTokens(s.logProbs, tokens as tf.Tensor1D), pickTokens(t.logProbs, tokens as tf.Tensor1D));
    return stackStatistics(columns);
  },
  gradient: () => neverOnTheTape("RowDivergence"),
});

/**
 * Kernel `RowDivergenceGradient`: inputs student logits `[n, V]`, teacher logits `[n, V]`, the result of
 * {@link rowDivergence} and coefficients c `[n]`; output `[n, V]` c · ∂D/∂(student logits), D the row's divergence:
 * (c/τ)·(S − T) for the forward KL, (c/τ)·S·(s − t − D) for the reverse KL and
 * (c/τ)·(1−β)·S·(s − ln M − KL(S‖M)) for the JSD.
 */
export const rowDivergenceGradient = defineOp<RowDivergenceAttributes>({
  name: "RowDivergenceGradient",
  save: { inputs: false },
  compose: ([student, teacher, statistics, coefficients], { divergence, temperature }) => {
    const column = (name: StatisticName) => pickColumn(statistics as tf.Tensor2D, divergenceStatistics, name);
    const studentRows = { shift: column("studentShift"), logSum: column("studentLogSum") };
    const teacherRows = { shift: column("teacherShift"), logSum: column("teacherLogSum") };
    const s = logProbsFrom(student as tf.Tensor2D, studentRows, temperature);
    const t = logProbsFrom(teacher as tf.Tensor2D, teacherRows, temperature);
    const scale = tf.div(tf.reshape(coefficients!, [coefficients!.size, 1]), temperature);
    const pulled = (ratio: tf.Tensor) => tf.mul(tf.exp(s), tf.sub(ratio, column("pull")));
    switch (divergence.kind) {
      case "forward-kl":
        return tf.mul(tf.sub(tf.exp(s), tf.exp(t)), scale);
      case "reverse-kl":
        return tf.mul(pulled(tf.sub(s, t)), scale);
      case "jsd":
        return tf.mul(pulled(logRatioToMixture(tf.sub(s, t), 1 - divergence.beta)), tf.mul(scale, 1 - divergence.beta));
    }
  },
  gradient: () => neverOnTheTape("RowDivergenceGradient"),
});

/** `[n, 1]` divergence, and what its gradient subtracts from the log-ratio. */
function compareRows(
  s: NormalizedRows,
  t: NormalizedRows,
  divergence: Divergence,
): { value: tf.Tensor2D; pull: tf.Tensor2D } {
  return tf.tidy(() => {
    const logRatio = tf.sub<tf.Tensor2D>(s.logProbs, t.logProbs);
    switch (divergence.kind) {
      case "reverse-kl": {
        const value = expectation(s, () => logRatio);
        return { value, pull: tf.clone(value) };
      }
      case "forward-kl": {
        const value = tf.neg(expectation(t, () => logRatio));
        return { value, pull: tf.zerosLike(value) };
      }
      case "jsd": {
        const { beta } = divergence;
        const ofStudent = expectation(s, () => logRatioToMixture(logRatio, 1 - beta));
        const ofTeacher = expectation(t, () => logRatioToMixture(tf.neg(logRatio), beta));
        return { value: tf.add(tf.mul(ofTeacher, beta), tf.mul(ofStudent, 1 - beta)), pull: ofStudent };
      }
    }
  });
}

/** `[n, 1]` mean of `[n, V]` numbers under each row's distribution. */
function expectation({ probabilities }: NormalizedRows, numbers: () => tf.Tensor2D): tf.Tensor2D {
  return tf.tidy(() => tf.sum<tf.Tensor2D>(tf.mul(probabilities, numbers()), 1, true));
}

/**
 * ln P − ln M for the mixture M = share·P + (1−share)·Q, from the log-ratio ln P − ln Q:
 * −ln share − softplus(ln((1−share)/share) − logRatio). It never leaves log space, so it is finite at both extremes.
 */
function logRatioToMixture(logRatio: tf.Tensor2D, share: number): tf.Tensor2D {
  return tf.tidy(() =>
    tf.sub(-Math.log(share), tf.softplus(tf.sub<tf.Tensor2D>(Math.log((1 - share) / share), logRatio))),
  );
}
