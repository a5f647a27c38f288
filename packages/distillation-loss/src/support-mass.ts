import { defineOp } from "@imagine-opd/tensor-ops";
import * as tf from "@tensorflow/tfjs-core";
import { impossibleLogit, limitLogits } from "./limit-logits.ts";
import { neverOnTheTape } from "./never-on-the-tape.ts";
import { mergeSums, rowScore } from "./row-score.ts";
import type { ModelStatisticName, StatisticName } from "./statistics.ts";
import { choose, markTopK, type TopK } from "./top-k.ts";
import type { VocabularyPass } from "./vocabulary.ts";

/** What decides whether an id is on the support. */
export const boundColumns = [
  "studentFloor",
  "studentLast",
  "teacherFloor",
  "teacherLast",
] as const satisfies readonly ModelStatisticName[];

/** Both models' top k and the support that is made of them, `[n, c]` 1 or 0. */
export interface SupportMembers {
  readonly student: tf.Tensor;
  readonly teacher: tf.Tensor;
  readonly support: tf.Tensor;
}

/** Finds the members among the columns of a slice; `column` gives the `[n, 1]` bounds by name. */
export function findMembers(
  [student, teacher]: readonly [tf.Tensor, tf.Tensor],
  column: (name: StatisticName) => tf.Tensor,
  { support }: TopK,
  from: number,
): SupportMembers {
  const ofStudent = markTopK(student, { floor: column("studentFloor"), last: column("studentLast") }, from);
  const ofTeacher = markTopK(teacher, { floor: column("teacherFloor"), last: column("teacherLast") }, from);
  const members = { student: ofStudent, teacher: ofTeacher };
  return { ...members, support: support === "union" ? tf.maximum(ofStudent, ofTeacher) : members[support] };
}

export interface SupportAttributes {
  readonly topK: TopK;
  readonly temperature: number;
  readonly from: number;
}

/**
 * Kernel `RowSupportMass`: inputs student logits `[n, c]`, teacher logits `[n, c]` and bounds `[4, n]` (see
 * {@link boundColumns}); output `[5, n]`: maximum logit and ln Σ e^((z − shift)/τ) of the student over the support
 * (`renormalise`) or over its complement (`tail`), the same of the teacher, and how many ids both models' top k share. The
 * complement is summed by itself, never as 1 minus the rest, so that a tail is exact however small it is.
 */
const rowSupportMass = defineOp<SupportAttributes>({
  name: "RowSupportMass",
  save: { inputs: false },
  compose: ([givenStudent, givenTeacher, bounds], { topK, temperature, from }) => {
    const [student, teacher] = [limitLogits(givenStudent!), limitLogits(givenTeacher!)];
    const columns = tf.split(tf.transpose(bounds!), boundColumns.length, 1);
    const column = (name: StatisticName) => columns[boundColumns.indexOf(name as (typeof boundColumns)[number])]!;
    const members = findMembers([student, teacher], column, topK, from);
    const part = topK.mass === "tail" ? tf.sub(1, members.support) : members.support;
    const sumsOf = (logits: tf.Tensor) =>
      tf.slice(rowScore([choose(part, logits, impossibleLogit)], { temperature }), [0, 0], [2, logits.shape[0]!]);
    const shared = tf.sum(tf.mul(members.student, members.teacher), 1);
    return tf.concat([sumsOf(student), sumsOf(teacher), tf.reshape(shared, [1, shared.size])], 0);
  },
  gradient: () => neverOnTheTape("RowSupportMass"),
});

/** The result of `RowSupportMass` over the whole vocabulary. */
export function supportMassPass(bounds: tf.Tensor2D, topK: TopK, temperature: number): VocabularyPass {
  return {
    read: ([student, teacher], { from }) =>
      rowSupportMass([student!, teacher!, bounds], { topK, temperature, from }) as tf.Tensor2D,
    merge: (left, right) => {
      const [a, b] = [tf.unstack(left), tf.unstack(right)] as [tf.Tensor1D[], tf.Tensor1D[]];
      const merged = [0, 2].flatMap((row) => {
        const sumOf = (rows: tf.Tensor1D[]) => ({ shift: rows[row]!, logSum: rows[row + 1]! });
        const { shift, logSum } = mergeSums(sumOf(a), sumOf(b), temperature);
        return [shift, logSum];
      });
      return tf.stack([...merged, tf.add(a[4]!, b[4]!)]) as tf.Tensor2D;
    },
  };
}
