import * as tf from "@tensorflow/tfjs-core";
import { forbidTeacherGradient } from "./constant-teacher.ts";
import { createResult, type DistillationResult } from "./distillation-result.ts";
import { banLogits, createCeilings } from "./limit-logits.ts";
import { restoreRows, sliceChunk, sliceColumns, takeActiveRows } from "./place-rows.ts";
import { coefficientsOf, measureChunk, type RowObjective, weightedSum } from "./row-objective.ts";
import type { Range, RowPlan } from "./row-plan.ts";
import { openVocabulary, type Vocabulary } from "./vocabulary.ts";

/**
 * An objective on logits that the caller holds. The backward pass starts again from the saved logits, so that between
 * the two nothing of size `[N, V]` is added.
 */
export function lossOfLogits(
  plan: RowPlan,
  objective: RowObjective,
  logits: readonly tf.Tensor2D[],
): DistillationResult {
  const [student, teacher] = logits;
  let statistics: tf.Tensor2D | undefined;
  const taped = tf.customGrad<tf.Scalar>((_, saveFunction) => {
    const save = saveFunction as tf.GradSaveFunc;
    statistics = measure(plan, objective, logits);
    if (statistics !== undefined) tf.keep(statistics);
    save([...logits, ...(statistics === undefined ? [] : [statistics])]);
    return {
      value: weightedSum(plan, objective.statistics, statistics),
      gradFunc: (dy, saved) => {
        const rows = saved.slice(0, logits.length) as tf.Tensor2D[];
        return differentiate(plan, objective, rows, dy, saved[logits.length] as tf.Tensor2D | undefined);
      },
    };
  });
  const loss = tf.tidy(() => {
    const value = taped(student!);
    return teacher === undefined ? value : forbidTeacherGradient(plan.where, value, teacher);
  });
  return createResult(plan, objective, loss, statistics);
}

/** `[S, A]` statistics of the active rows; `undefined` when there is none. */
function measure(plan: RowPlan, objective: RowObjective, logits: readonly tf.Tensor2D[]): tf.Tensor2D | undefined {
  if (plan.chunks.length === 0) return undefined;
  return tf.tidy(() => {
    const open = createOpener(plan, logits);
    const tables = plan.chunks.map((chunk) => tf.tidy(() => measureChunk(objective, open(chunk), chunk)));
    return tf.concat(tables, 1);
  });
}

/** `[N, V]` gradient of dy · loss in the student's logits. */
function differentiate(
  plan: RowPlan,
  objective: RowObjective,
  logits: readonly tf.Tensor2D[],
  dy: tf.Scalar,
  statistics: tf.Tensor2D | undefined,
): tf.Tensor2D {
  return tf.tidy(() => {
    if (statistics === undefined) return tf.zeros([plan.rows, plan.vocabSize]);
    const open = createOpener(plan, logits);
    const gradients = plan.chunks.map((chunk) =>
      tf.tidy(() => {
        const tensor = sliceColumns(statistics, chunk);
        const measured = { names: objective.statistics, tensor };
        const coefficients = tf.mul<tf.Tensor1D>(coefficientsOf(plan, measured, chunk), dy);
        const slice = plan.slices[0]!;
        return open(chunk).read(slice, (rows) =>
          objective.differentiate({ chunk, slice, logits: rows, measured, coefficients }),
        );
      }),
    );
    return restoreRows(plan, gradients, plan.vocabSize);
  });
}

/** What gives a chunk's logits. They are all there: the vocabulary is one slice. */
function createOpener(plan: RowPlan, logits: readonly tf.Tensor2D[]): (chunk: Range) => Vocabulary {
  const ceilings = createCeilings(plan);
  const active = logits.map((each) => takeActiveRows(plan, each));
  return (chunk) =>
    openVocabulary(plan.slices, (slice) =>
      active.map((each) => tf.tidy(() => banLogits(sliceChunk(each, chunk), ceilings, slice))),
    );
}
