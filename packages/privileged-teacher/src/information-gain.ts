import { ImagineOpdError } from "@imagine-opd/protocol";

/**
 * Mean over tokens of u_t(right views) − u_t(wrong views), nats: how much more the teacher expects the student's own
 * tokens when it sees this record's views instead of another's. Near 0, the views' content teaches nothing.
 * @param rightLogProbs `[N]` log-probs with the record's views
 * @param wrongLogProbs `[N]` log-probs of the same tokens with other views
 * @throws invalid-argument when the lengths differ or are 0
 */
export function privilegedInformationGain(rightLogProbs: Float32Array, wrongLogProbs: Float32Array): number {
  if (rightLogProbs.length !== wrongLogProbs.length || rightLogProbs.length === 0) {
    throw new ImagineOpdError("invalid-argument", {
      where: "privileged-teacher.privilegedInformationGain",
      problem: `expected two arrays of the same length, at least 1, got ${rightLogProbs.length} and ${wrongLogProbs.length}.`,
      remedy: "Score the same completions under both prompts.",
    });
  }
  const sum = rightLogProbs.reduce((total, right, index) => total + (right - wrongLogProbs[index]!), 0);
  return sum / rightLogProbs.length;
}
