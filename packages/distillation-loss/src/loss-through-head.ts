import type { Head, WeightView } from "@imagine-opd/protocol/policy";
import { isTapeRecording } from "@imagine-opd/tensor-ops";
import * as tf from "@tensorflow/tfjs-core";
import { checkTeacher, takeHeadWeights } from "./check-head.ts";
import { forbidTeacherGradient } from "./constant-teacher.ts";
import { createResult, type DistillationResult } from "./distillation-result.ts";
import { createHeadReader } from "./head-reader.ts";
import { restoreRows } from "./place-rows.ts";
import { coefficientsOf, measureChunk, type RowObjective, weightedSum } from "./row-objective.ts";
import type { Range, RowPlan } from "./row-plan.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** The student's head, for losses that take hidden states. */
export interface HeadOptions {
  readonly head: Head;
  /**
   * The policy's trainable weights. Those that `head.trainable` names become inputs of the loss, so that their gradient
   * arrives on the tape like any other.
   */
  readonly trainable: Readonly<Record<string, tf.Tensor>>;
  /**
   * Ids whose logits are in memory at once: less than V for a head that is too large for one buffer. Every slice is then
   * computed three times (four with `topK`), twice by the losses on tokens, instead of once.
   * @default V
   */
  readonly chunkVocabulary?: number;
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
  const recording = isTapeRecording();
  let statistics: tf.Tensor2D | undefined;
  const taped = tf.customGrad<tf.Scalar>((...inputsAndSave) => {
    const save = inputsAndSave.at(-1) as tf.GradSaveFunc;
    const walk = walkChunks(plan, objective, states, head, teacher, recording);
    statistics = walk?.statistics && tf.keep(walk.statistics);
    if (recording) save(walk?.gradients ?? inputs.map((input) => tf.zerosLike(input)));
    return {
      value: weightedSum(plan, objective.statistics, statistics),
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
    const reader = createHeadReader(plan, states, head, teacher);
    const tables: tf.Tensor2D[] = [];
    const stateGradients: tf.Tensor2D[] = [];
    let weightGradients: readonly tf.Tensor[] = [];
    for (const chunk of plan.chunks) {
      const [table, ofStates, ...ofWeights] = tf.tidy(() => {
        const rows = reader.rows(chunk);
        const vocabulary = reader.open(rows, chunk);
        const tensor = measureChunk(objective, vocabulary, chunk);
        if (!recording) return [tensor];
        return [tensor, ...differentiateChunk(plan, objective, { chunk, vocabulary, tensor }, rows, head)];
      });
      tables.push(table as tf.Tensor2D);
      if (ofStates === undefined) continue;
      stateGradients.push(ofStates as tf.Tensor2D);
      weightGradients = accumulate(weightGradients, ofWeights);
    }
    const gradients = recording ? [restoreRows(plan, stateGradients, states.shape[1]), ...weightGradients] : [];
    return { statistics: tf.concat(tables, 1), gradients };
  });
}

/** A chunk's part of the gradients: in its rows, then in the head's weights. */
function differentiateChunk(
  plan: RowPlan,
  objective: RowObjective,
  { chunk, vocabulary, tensor }: { chunk: Range; vocabulary: Vocabulary; tensor: tf.Tensor2D },
  rows: tf.Tensor2D,
  head: Head,
): tf.Tensor[] {
  const measured = { names: objective.statistics, tensor };
  const coefficients = coefficientsOf(plan, measured, chunk);
  return vocabulary.slices.reduce<tf.Tensor[]>((sums, slice) => {
    const dLogits = vocabulary.read(slice, (logits) =>
      objective.differentiate({ chunk, slice, logits, measured, coefficients }),
    );
    if (slice === vocabulary.slices.at(-1)) vocabulary.close();
    const terms = tf.tidy(() => {
      const gradients = head.backward(rows, dLogits, slice);
      const ofWeights = takeHeadWeights(plan.where, head, "head.backward().trainable", gradients.trainable);
      return [gradients.states, ...ofWeights];
    });
    dLogits.dispose();
    return accumulate(sums, terms);
  }, []);
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
