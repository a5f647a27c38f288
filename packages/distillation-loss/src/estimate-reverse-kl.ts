import { ImagineOpdError } from "@imagine-opd/protocol";

/**
 * Single-sample estimators of KL(student‖teacher) (Schulman, "Approximating KL divergence", 2020), for y ~ student:
 *
 * - `k1` = s − t: unbiased, of either sign. A metric and, negated, an advantage. Never a loss: the gradient of its sample
 *   mean has expectation 0.
 * - `k2` = ½(s − t)²: biased as a value; differentiated directly it gives the gradient of the reverse KL.
 * - `k3` = e^(t−s) − 1 − (t−s): unbiased, never negative. A metric; differentiated directly it gives the gradient of the
 *   *forward* KL(teacher‖student).
 */
export type ReverseKlEstimator = "k1" | "k2" | "k3";

/** `[N]` estimates in nats, from `[N]` log-probs of the student's own samples. Host numbers: nothing here is differentiable. */
export function estimateReverseKl(
  estimator: ReverseKlEstimator,
  studentLogProbs: Float32Array,
  teacherLogProbs: Float32Array,
): Float32Array {
  if (studentLogProbs.length !== teacherLogProbs.length)
    throw new ImagineOpdError("mismatch", {
      where: "distillation-loss.estimateReverseKl",
      problem: `student and teacher must score the same tokens, got ${studentLogProbs.length} and ${teacherLogProbs.length} log-probs.`,
    });
  return studentLogProbs.map((student, i) => estimateOne(estimator, student - teacherLogProbs[i]!));
}

function estimateOne(estimator: ReverseKlEstimator, logRatio: number): number {
  switch (estimator) {
    case "k1":
      return logRatio;
    case "k2":
      return 0.5 * logRatio ** 2;
    case "k3":
      // expm1 keeps the digits that e^x − 1 loses where the models agree.
      return Math.expm1(-logRatio) + logRatio;
    default:
      throw new ImagineOpdError("invalid-argument", {
        where: "distillation-loss.estimateReverseKl",
        problem: `estimator must be "k1", "k2" or "k3", got ${JSON.stringify(estimator)}.`,
      });
  }
}
