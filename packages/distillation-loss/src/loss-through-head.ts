import { ImagineOpdError } from "@imagine-opd/protocol";
import type { Head, WeightView } from "@imagine-opd/protocol/policy";
import * as tf from "@tensorflow/tfjs-core";
import { forbidTeacherGradient } from "./constant-teacher.ts";
import { createResult, type DistillationResult } from "./distillation-result.ts";
import { createCeilings, limitLogits } from "./limit-logits.ts";
import { coefficientsOf, type RowObjective, weightedSum } from "./row-objective.ts";
import { type RowChunk, type RowPlan, restoreRows, sliceChunk, takeActiveRows } from "./row-plan.ts";

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

interface ChunkGradients {
  readonly states: tf.Tensor2D;
  readonly weights: readonly tf.Tensor[];
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
  const inputs = [states, ...head.trainable.map((name) => requireWeight(plan.where, trainable, name))];
  const recording = isTapeRecording(plan.where);
  let statistics: tf.Tensor2D | undefined;
  const taped = tf.customGrad<tf.Scalar>((...inputsAndSave) => {
    const save = inputsAndSave.at(-1) as tf.GradSaveFunc;
    const walked = walkChunks(plan, objective, states, head, teacher, recording);
    statistics = walked.statistics;
    if (statistics !== undefined) tf.keep(statistics);
    const gradients = walked.gradients ?? { states: tf.zerosLike(states), weights: inputs.slice(1).map(tf.zerosLike) };
    save([gradients.states, ...gradients.weights]);
    return {
      value: weightedSum(plan, objective, statistics),
      gradFunc: (dy, saved) => saved.map((gradient) => tf.mul(dy, gradient)),
    };
  });
  const loss = taped(...inputs);
  return createResult(
    plan,
    objective,
    teacher === undefined ? loss : forbidTeacherGradient(plan.where, loss, teacher.states),
    statistics,
  );
}
