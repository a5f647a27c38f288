import type { Tensor2D } from "@tensorflow/tfjs-core";
import { requireMatrix, requireSameShape } from "./check-logits.ts";
import { checkDivergenceClip, clipDivergence, type DivergenceClip, type EntryClip } from "./clip-divergence.ts";
import type { DistillationResult } from "./distillation-result.ts";
import type { Divergence } from "./divergence-kind.ts";
import { divergenceObjective } from "./divergence-objective.ts";
import { type Importance, weighImportance } from "./importance-weight.ts";
import { lossOfLogits } from "./loss-of-logits.ts";
import { type HeadOptions, lossThroughHead, type TeacherStates } from "./loss-through-head.ts";
import { refuseArgument } from "./refuse-argument.ts";
import type { RowObjective } from "./row-objective.ts";
import type { RowOptions } from "./row-options.ts";
import { planRows, type RowPlan } from "./row-plan.ts";
import type { TopK } from "./top-k.ts";

/** What {@link divergence} is told beside its logits: the comparison, and which rows count how much. */
export type DivergenceOptions = RowOptions & ComparisonOptions & TokenOptions;

/** How two rows are compared. */
export type ComparisonOptions = DivergenceChoice & SupportChoice;

interface DivergenceChoice {
  readonly divergence: Divergence;
  /**
   * `squared` multiplies the loss by τ², so that gradients keep their size as τ grows (Hinton et al., arXiv 1503.02531). The
   * report's values stay divergences.
   * @default "none"
   */
  readonly temperatureScaling?: "none" | "squared";
}

type SupportChoice =
  | {
      /** Compares the most likely ids, and the rest as one or not at all. @default all ids */
      readonly topK?: TopK;
      /** @default not clipped */
      readonly clip?: DivergenceClip;
    }
  | { readonly topK?: TopK & { readonly mass: "renormalise" }; readonly clip: EntryClip };

/** What the tokens of the rows are for. */
export type TokenOptions =
  | {
      /** `[N]` ids of the completion, for their log-probs in the report. Without effect on the loss. @default not reported */
      readonly tokens?: Int32Array;
      readonly importance?: never;
    }
  | {
      /** `[N]` ids of the completion. */
      readonly tokens: Int32Array;
      /** Weighs the tokens by how much likelier they have become since they were sampled. @default not weighted */
      readonly importance: Importance;
    };

/** What {@link divergenceThroughHead} is told beside the student's states: the same, the head and the teacher's `[N, D]` states. */
export type DivergenceThroughHeadOptions = DivergenceOptions & HeadOptions & { readonly teacher: TeacherStates };

/**
 * Weighted mean over the rows of a divergence between the next-token distributions of two `[N, V]` logits, in nats.
 * Differentiable in `student` only; a gradient asked of `teacher` throws. Logits of -Infinity stand for impossible tokens.
 */
export function divergence(student: Tensor2D, teacher: Tensor2D, options: DivergenceOptions): DistillationResult {
  const where = "distillation-loss.divergence";
  requireMatrix(where, "student", student);
  requireSameShape(where, student, teacher);
  const plan = planDivergence(where, student.shape[0], student.shape[1], options);
  return lossOfLogits(plan, chooseObjective(plan, options), [student, teacher]);
}

/**
 * The same from the student's `[N, D]` hidden states and the teacher's, both sent through a language-model head in chunks
 * of rows and, where asked, of the vocabulary. Differentiable in `states` and in the head's trainable weights.
 */
export function divergenceThroughHead(states: Tensor2D, options: DivergenceThroughHeadOptions): DistillationResult {
  const where = "distillation-loss.divergenceThroughHead";
  requireMatrix(where, "states", states);
  requireMatrix(where, "teacher.states", options.teacher.states);
  const plan = planDivergence(where, states.shape[0], options.head.vocabSize, options);
  return lossThroughHead(plan, chooseObjective(plan, options), states, options, options.teacher);
}

function planDivergence(
  where: string,
  rows: number,
  vocabSize: number,
  options: DivergenceOptions & Pick<HeadOptions, "chunkVocabulary">,
): RowPlan {
  const plan = planRows(where, rows, vocabSize, options);
  const { temperatureScaling = "none" } = options;
  if (temperatureScaling === "none") return plan;
  if (temperatureScaling !== "squared")
    refuseArgument(where, `temperatureScaling must be "none" or "squared", got ${JSON.stringify(temperatureScaling)}.`);
  return { ...plan, coefficients: plan.coefficients.map((each) => each * plan.temperature ** 2) };
}

function chooseObjective(plan: RowPlan, options: DivergenceOptions): RowObjective {
  const { divergence, tokens, topK, clip, importance } = options;
  if (clip !== undefined) checkDivergenceClip(plan.where, clip, topK?.mass);
  if (importance !== undefined && tokens === undefined)
    refuseArgument(
      plan.where,
      "importance weights are those of tokens, which are missing.",
      "Give the sampled tokens.",
    );
  const entryLimit = clip?.kind === "vocabulary-entry" ? clip.limit : undefined;
  const tokenClip = clip === undefined || clip.kind === "vocabulary-entry" ? undefined : clip;
  const objective = divergenceObjective(plan, {
    divergence,
    ...(tokens && { tokens }),
    ...(topK && { topK }),
    ...(entryLimit !== undefined && { entryLimit }),
  });
  return weighImportance(plan, clipDivergence(objective, tokenClip), importance);
}
