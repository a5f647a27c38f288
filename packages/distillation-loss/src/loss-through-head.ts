import type { Head, WeightView } from "@imagine-opd/protocol/policy";
import * as tf from "@tensorflow/tfjs-core";
import { checkTeacher, takeHeadWeights } from "./check-head.ts";
import { forbidTeacherGradient } from "./constant-teacher.ts";
import { createResult, type DistillationResult } from "./distillation-result.ts";
import { createCeilings, limitLogits } from "./limit-logits.ts";
import { coefficientsOf, type RowObjective, weightedSum } from "./row-objective.ts";
import { type RowChunk, type RowPlan, restoreRows, sliceChunk, takeActiveRows } from "./row-plan.ts";
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
  const inputs = [states, ...takeHeadWeights(plan.where, head, "trainable", trainable)];
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
    const studentStates = takeActiveRows(plan, states);
    const logitsOf = createLogits(plan, head, teacher);
    const statistics: tf.Tensor2D[] = [];
    const stateGradients: tf.Tensor2D[] = [];
    let weightGradients: readonly tf.Tensor[] = [];
    for (const chunk of plan.chunks) {
      const rows = sliceChunk(studentStates, chunk);
      const [measured, dLogits] = tf.tidy(() => {
        const logits = logitsOf(rows, chunk);
        const measured = objective.measure(logits, chunk);
        if (!recording) return [measured];
        const coefficients = coefficientsOf(plan, objective, measured, chunk);
        return [measured, objective.differentiate(logits, measured, coefficients, chunk)];
      });
      statistics.push(measured!);
      if (dLogits !== undefined) {
        const gradients = tf.tidy(() => head.backward(rows, dLogits));
        stateGradients.push(gradients.states);
        const terms = takeHeadWeights(plan.where, head, "head.backward().trainable", gradients.trainable);
        weightGradients = accumulate(weightGradients, terms);
        dLogits.dispose();
      }
      rows.dispose();
    }
    const gradients = recording ? [restoreRows(plan, stateGradients, states.shape[1]), ...weightGradients] : [];
    return { statistics: tf.concat(statistics, 1), gradients };
  });
}

/** What computes a chunk's `[n, V]` logits: the student's and, where there is a teacher, the teacher's. */
function createLogits(plan: RowPlan, head: Head, teacher: TeacherStates | undefined) {
  const ceilings = createCeilings(plan);
  const teacherStates = teacher && takeActiveRows(plan, teacher.states);
  const limited = (logits: () => tf.Tensor2D) => tf.tidy(() => limitLogits(logits(), ceilings));
  return (rows: tf.Tensor2D, chunk: RowChunk): tf.Tensor2D[] => {
    const student = limited(() => head.logits(rows));
    if (teacher === undefined) return [student];
    const { head: teacherHead = head, weights } = teacher;
    return [student, limited(() => teacherHead.logits(sliceChunk(teacherStates!, chunk), { weights }))];
  };
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
