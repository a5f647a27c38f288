import type { Tensor2D } from "@tensorflow/tfjs-core";
import { requireMatrix, requireSameShape } from "./check-logits.ts";
import type { DistillationResult } from "./distillation-result.ts";
import { divergenceObjective } from "./divergence-objective.ts";
import { lossOfLogits } from "./loss-of-logits.ts";
import { type HeadOptions, lossThroughHead, type TeacherStates } from "./loss-through-head.ts";
import type { Divergence } from "./row-divergence.ts";
import { planRows, type RowOptions } from "./row-plan.ts";

export interface DivergenceOptions extends RowOptions {
  readonly divergence: Divergence;
  /** `[N]` ids of the completion, for their log-probs in the report. Without effect on the loss. @default not reported */
  readonly tokens?: Int32Array;
}

export interface DivergenceThroughHeadOptions extends DivergenceOptions, HeadOptions {
  readonly teacher: TeacherStates;
}

/**
 * Weighted mean over the rows of a divergence between the full next-token distributions of two `[N, V]` logits, in nats.
 * Differentiable in `student` only; a gradient asked of `teacher` throws. Logits of -Infinity stand for impossible tokens.
 */
export function divergence(student: Tensor2D, teacher: Tensor2D, options: DivergenceOptions): DistillationResult {
  const where = "distillation-loss.divergence";
  requireMatrix(where, "student", student);
  requireSameShape(where, student, teacher);
  const plan = planRows(where, student.shape[0], student.shape[1], options);
  return lossOfLogits(plan, divergenceObjective(plan, options.divergence, options.tokens), [student, teacher]);
}

/**
 * The same from the student's `[N, D]` hidden states and the teacher's, both sent through a language-model head in chunks
 * of rows. Differentiable in `states` and in the head's trainable weights.
 */
export function divergenceThroughHead(states: Tensor2D, options: DivergenceThroughHeadOptions): DistillationResult {
  const where = "distillation-loss.divergenceThroughHead";
  requireMatrix(where, "states", states);
  requireMatrix(where, "teacher.states", options.teacher.states);
  const plan = planRows(where, states.shape[0], options.head.vocabSize, options);
  const objective = divergenceObjective(plan, options.divergence, options.tokens);
  return lossThroughHead(plan, objective, states, options, options.teacher);
}
