import { ImagineOpdError } from "@imagine-opd/protocol";
import type { Head } from "@imagine-opd/protocol/policy";
import type { Tensor, Tensor2D } from "@tensorflow/tfjs-core";
import type { TeacherStates } from "./loss-through-head.ts";
import type { RowPlan } from "./row-plan.ts";

/** What `source` holds for the names in `head.trainable`, in their order. */
export function takeHeadWeights(
  where: string,
  head: Head,
  source: "trainable" | "head.backward().trainable",
  weights: Readonly<Record<string, Tensor>>,
): Tensor[] {
  return head.trainable.map((name) => {
    const weight = weights[name];
    if (weight !== undefined) return weight;
    throw new ImagineOpdError("mismatch", {
      where,
      problem: `${source} must hold every name of head.trainable, and has no "${name}".`,
      ...(source === "trainable" && { remedy: "Pass policy.trainable." }),
      details: { name },
    });
  });
}

/** Refuses teachers whose rows or vocabulary do not match the student's. */
export function checkTeacher(plan: RowPlan, states: Tensor2D, head: Head, teacher: TeacherStates | undefined): void {
  if (teacher === undefined) return;
  const { head: teacherHead = head } = teacher;
  if (teacher.states.shape[0] !== states.shape[0])
    throw new ImagineOpdError("mismatch", {
      where: plan.where,
      problem: `the teacher must have a row for each of the student's ${states.shape[0]}, got ${teacher.states.shape[0]}.`,
    });
  if (teacherHead.vocabSize !== head.vocabSize)
    throw new ImagineOpdError("mismatch", {
      where: plan.where,
      problem: `student and teacher must share a vocabulary, got ${head.vocabSize} and ${teacherHead.vocabSize} ids.`,
    });
}
