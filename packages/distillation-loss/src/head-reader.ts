import { ImagineOpdError } from "@imagine-opd/protocol";
import type { Head, WeightView } from "@imagine-opd/protocol/policy";
import * as tf from "@tensorflow/tfjs-core";
import { banLogits, createCeilings } from "./limit-logits.ts";
import type { TeacherStates } from "./loss-through-head.ts";
import { sliceChunk, takeActiveRows } from "./place-rows.ts";
import type { Range, RowPlan } from "./row-plan.ts";
import { openVocabulary, type Vocabulary } from "./vocabulary.ts";

/** Computes the logits of chunks of rows from hidden states. Lives inside the tidy that it was made in. */
export interface HeadReader {
  /** `[n, D]` the student's states of a chunk. */
  rows(chunk: Range): tf.Tensor2D;
  /** The student's logits for these states and, where there is a teacher, the teacher's for the same chunk. */
  open(rows: tf.Tensor2D, chunk: Range): Vocabulary;
}

export function createHeadReader(
  plan: RowPlan,
  states: tf.Tensor2D,
  head: Head,
  teacher?: TeacherStates,
  weights?: WeightView,
): HeadReader {
  const ceilings = createCeilings(plan);
  const studentStates = takeActiveRows(plan, states);
  const teacherStates = teacher && takeActiveRows(plan, teacher.states);
  const logitsOf = (of: Head, rows: tf.Tensor2D, slice: Range, view: WeightView | undefined) =>
    tf.tidy(() => {
      const logits = of.logits(rows, { ...slice, ...(view && { weights: view }) });
      checkWidth(plan, logits, slice);
      return banLogits(logits, ceilings, slice);
    });
  return {
    rows: (chunk) => sliceChunk(studentStates, chunk),
    open(rows, chunk) {
      const teacherRows = teacherStates && sliceChunk(teacherStates, chunk);
      return openVocabulary(plan.slices, (slice) => [
        logitsOf(head, rows, slice, weights),
        ...(teacherRows === undefined ? [] : [logitsOf(teacher!.head ?? head, teacherRows, slice, teacher!.weights)]),
      ]);
    },
  };
}

/** Refuses a head that does not know slices of the vocabulary. */
function checkWidth({ where }: RowPlan, { shape }: tf.Tensor2D, { from, to }: Range): void {
  if (shape[1] === to - from) return;
  throw new ImagineOpdError("mismatch", {
    where,
    problem: `head.logits must give the ids ${from} to ${to - 1}, ${to - from} columns, got ${shape[1]}.`,
  });
}
