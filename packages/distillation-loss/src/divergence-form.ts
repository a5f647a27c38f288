import * as tf from "@tensorflow/tfjs-core";
import type { Divergence } from "./divergence-kind.ts";

/** Two distributions over the same ids, or parts of them; tensors of one shape. */
export interface ComparedRows {
  /** S. */
  readonly student: tf.Tensor;
  /** T. */
  readonly teacher: tf.Tensor;
  /** ln S − ln T. */
  readonly logRatio: tf.Tensor;
}

/**
 * A divergence D as a sum over ids, and its derivative. With g = ∂D/∂S, the gradient in the student's logits is
 * (1/τ)·S·(g − Σ S·g), in which a constant added to g has no effect.
 */
export interface DivergenceForm {
  /** The ids' terms of D. */
  terms(rows: ComparedRows): tf.Tensor;
  /** S·(g − {@link slopeOffset}). */
  slopes(rows: ComparedRows): tf.Tensor;
  readonly slopeOffset: number;
  /** Σ slopes, where it is the same for all distributions. */
  readonly constantPull?: number;
}

const reverseKl: DivergenceForm = {
  terms: ({ student, logRatio }) => tf.mul(student, logRatio),
  slopes: ({ student, logRatio }) => tf.mul(student, logRatio),
  slopeOffset: 1,
};

const forwardKl: DivergenceForm = {
  terms: ({ teacher, logRatio }) => tf.neg(tf.mul(teacher, logRatio)),
  slopes: ({ teacher }) => tf.neg(teacher),
  slopeOffset: 0,
  constantPull: -1,
};

/** `ofTeacher·KL(T‖M) + ofStudent·KL(S‖M)` with M = (1−β)·S + β·T. */
export interface Mixture {
  readonly beta: number;
  readonly ofTeacher: number;
  readonly ofStudent: number;
}

/** The weights of the two mixture kinds, end-point normalisation included. */
export function mixtureOf({ kind, beta, normalize = "none" }: Exclude<Divergence, { kind: `${string}kl` }>): Mixture {
  const spread = beta * (1 - beta);
  const curvature = kind === "jsd" ? spread : 1 - 3 * spread;
  const scale = normalize === "endpoint" ? 1 / curvature : 1;
  const teacherWeight = kind === "jsd" ? beta : 1 - beta;
  return { beta, ofTeacher: scale * teacherWeight, ofStudent: scale * (1 - teacherWeight) };
}

function mixtureForm(jsd: boolean, { beta, ofTeacher, ofStudent }: Mixture): DivergenceForm {
  const ofStudentToMixture = (logRatio: tf.Tensor) => logRatioToMixture(logRatio, 1 - beta);
  const ofTeacherToMixture = (logRatio: tf.Tensor) => logRatioToMixture(tf.neg(logRatio), beta);
  // g = ofStudent·(ln(S/M) + 1) − (1−β)·(ofStudent·S + ofTeacher·T)/M. For the jsd, whose weights are those of M, the last
  // term is a constant that cancels against the 1.
  return {
    terms: ({ student, teacher, logRatio }) => {
      const term = (share: tf.Tensor, toMixture: (logRatio: tf.Tensor) => tf.Tensor, weight: number) =>
        tf.tidy(() => tf.mul(tf.mul(share, toMixture(logRatio)), weight));
      return tf.add(term(teacher, ofTeacherToMixture, ofTeacher), term(student, ofStudentToMixture, ofStudent));
    },
    slopes: ({ student, logRatio }) => {
      const ratio = ofStudentToMixture(logRatio);
      const own = tf.mul(ratio, ofStudent);
      if (jsd) return tf.mul(student, own);
      const part = (toMixture: tf.Tensor, weight: number) => tf.mul(tf.exp(toMixture), weight * (1 - beta));
      const shares = tf.add(part(ratio, ofStudent), part(ofTeacherToMixture(logRatio), ofTeacher));
      return tf.mul(student, tf.sub(own, shares));
    },
    slopeOffset: jsd ? 0 : ofStudent,
  };
}

/** The formulas of a divergence. */
export function formOf(divergence: Divergence): DivergenceForm {
  if (divergence.kind === "reverse-kl") return reverseKl;
  if (divergence.kind === "forward-kl") return forwardKl;
  return mixtureForm(divergence.kind === "jsd", mixtureOf(divergence));
}

/**
 * ln P − ln M for the mixture M = share·P + (1−share)·Q, from the log-ratio ln P − ln Q:
 * −ln share − softplus(ln((1−share)/share) − logRatio). It never leaves log space, so it is finite at both extremes.
 */
function logRatioToMixture(logRatio: tf.Tensor, share: number): tf.Tensor {
  return tf.tidy(() => tf.sub(-Math.log(share), tf.softplus(tf.sub(Math.log((1 - share) / share), logRatio))));
}
