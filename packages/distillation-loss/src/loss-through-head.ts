import type { Head, WeightView } from "@imagine-opd/protocol/policy";
import * as tf from "@tensorflow/tfjs-core";
import { checkTeacher, requireHeadWeights } from "./check-head.ts";
import { forbidTeacherGradient } from "./constant-teacher.ts";
import { createResult, type DistillationResult } from "./distillation-result.ts";
import { createCeilings, limitLogits } from "./limit-logits.ts";
import { coefficientsOf, type RowObjective, weightedSum } from "./row-objective.ts";
import { type RowPlan, restoreRows, sliceChunk, takeActiveRows } from "./row-plan.ts";
import { isTapeRecording } from "./tape-state.ts";

/** The student's head, for losses that take hidden states. */
export interface HeadOptions {
  readonly head: Head;
  /**
   * The policy's trainable weights. Those that `head.trainable` names become inputs of the loss, so that their gradient
   * arrives on the tape like any other.
   */
  readonly trainable: Readonly<Record<string, tf.Tensor>>;
}

/** Whose distribution the student is compared with. */
export interface TeacherStates {
  /** `[N, D]` hidden states that predict the same tokens; a constant. */
  readonly states: tf.Tensor2D;
  /** @default the student's head */
  readonly head?: Head;
  /** Which weights of the head the teacher uses. */
  readonly weights: WeightView;
}

/**
 * An objective on hidden states, the head included. Chunk by chunk it computes logits, their gradient in closed form and
 * at once what `head.backward` makes of it; `[N, V]` never exists, and the tape saves `[N, D]` and the head's gradients
 * only. While no tape is recording, the backward work is left out.
 */
export function lossThroughHead(
  plan: RowPlan,
  objective: RowObjective,
  states: tf.Tensor2D,
  { head, trainable }: HeadOptions,
  teacher?: TeacherStates,
): DistillationResult {
  checkTeacher(plan, states, head, teacher);
  const inputs = [states, ...requireHeadWeights(plan.where, head, trainable)];
  const recording = isTapeRecording(plan.where);
  let statistics: tf.Tensor2D | undefined;
  const taped = tf.customGrad<tf.Scalar>((...inputsAndSave) => {
    const save = inputsAndSave.at(-1) as tf.GradSaveFunc;
    const walk = walkChunks(plan, objective, states, head, teacher, recording);
    statistics = walk?.statistics && tf.keep(walk.statistics);
    if (recording) save(walk?.gradients ?? inputs.map((input) => tf.zerosLike(input)));
    return {
      value: weightedSum(plan, objective, statistics),
      gradFunc: (dy, saved) => saved.map((gradient) => tf.mul(dy, gradient)),
    };
  });
  const loss = tf.tidy(() => {
    const value = taped(...inputs);
    return teacher === undefined ? value : forbidTeacherGradient(plan.where, value, teacher.states);
  });
  return createResult(plan, objective, loss, statistics);
}

interface Walk {
  /** `[S, A]` of the active rows. */
  readonly statistics: tf.Tensor2D;
  /** Of the loss: in the states, then in the head's weights in the order of `head.trainable`. Empty when not recording. */
  readonly gradients: tf.Tensor[];
}

function walkChunks(
  plan: RowPlan,
  objective: RowObjective,
  states: tf.Tensor2D,
  head: Head,
  teacher: TeacherStates | undefined,
  recording: boolean,
): Walk | undefined {
  if (plan.chunks.length === 0) return undefined;
  return tf.tidy(() => {
    const ceilings = createCeilings(plan);
    const studentStates = takeActiveRows(plan, states);
    const teacherStates = teacher && takeActiveRows(plan, teacher.states);
    const statistics: tf.Tensor2D[] = [];
    const stateGradients: tf.Tensor2D[] = [];
    let weightGradients: tf.Tensor[] = [];
    for (const chunk of plan.chunks) {
      const rows = sliceChunk(studentStates, chunk);
      const [measured, dLogits] = tf.tidy(() => {
        const logits = [limitLogits(head.logits(rows), ceilings)];
        if (teacher !== undefined) {
          const { head: teacherHead = head, weights } = teacher;
          logits.push(limitLogits(teacherHead.logits(sliceChunk(teacherStates!, chunk), { weights }), ceilings));
        }
        const measured = objective.measure(logits, chunk);
        if (!recording) return [measured];
        const coefficients = coefficientsOf(plan, objective, measured, chunk);
        return [measured, objective.differentiate(logits, measured, coefficients, chunk)];
      });
      statistics.push(measured!);
      if (dLogits !== undefined) {
        const gradients = tf.tidy(() => head.backward(rows, dLogits));
        stateGradients.push(gradients.states);
        weightGradients = accumulate(
          weightGradients,
          head.trainable.map((name) => gradients.trainable[name]!),
        );
        dLogits.dispose();
      }
      rows.dispose();
    }
    const gradients = recording ? [restoreRows(plan, stateGradients, states.shape[1]), ...weightGradients] : [];
    return { statistics: tf.concat(statistics, 1), gradients };
  });
}

/** The sums, in place of both lists: at most one set of the head's gradients stays in memory. */
function accumulate(sums: readonly tf.Tensor[], terms: readonly tf.Tensor[]): tf.Tensor[] {
  return terms.map((term, i) => {
    const sum = sums[i];
    if (sum === undefined) return term;
    const next = tf.add(sum, term);
    tf.dispose([sum, term]);
    return next;
  });
}
