import { ImagineOpdError } from "@imagine-opd/protocol";
import type { Head } from "@imagine-opd/protocol/policy";
import type { Tensor, Tensor2D } from "@tensorflow/tfjs-core";
import type { TeacherStates } from "./loss-through-head.ts";
import type { RowPlan } from "./row-plan.ts";

/** The head's trainable weights in the order of `head.trainable`. */
export function requireHeadWeights(where: string, head: Head, trainable: Readonly<Record<string, Tensor>>): Tensor[] {
  return head.trainable.map((name) => {
    const weight = trainable[name];
    if (weight !== undefined) return weight;
    throw new ImagineOpdError("mismatch", {
      where,
      problem: `trainable must hold every weight that head.trainable names, and has no "${name}".`,
      remedy: "Pass policy.trainable.",
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
