import type { PromptTemplates } from "@imagine-opd/imagination-prompts";
import type { Schedule } from "@imagine-opd/optim";
import type { Reveal } from "@imagine-opd/privileged-teacher";
import type { SamplingOptions, TruncatedPolicy } from "@imagine-opd/rollout-sampler";
import type { LossSettings } from "./loss-settings.ts";
import type { Objective } from "./objective.ts";

/** Everything that decides what training does, apart from model, data and teacher. */
export interface TrainSettings {
  readonly objective: Objective;
  readonly loss: LossSettings;
  /** What the teacher's prompt shows. */
  readonly reveal: Reveal;
  /**
   * Where the teacher sees the evidence views: after the student's pictures (`shared`), or in their place and without a word
   * about it (`swapped`).
   */
  readonly pictures: "shared" | "swapped";
  /**
   * What the teacher is shown in the labelled answer's place: nothing, or for each completion the first other one of the same
   * prompt that the trainer's `grade` finds correct (SDPO, arXiv 2601.20802).
   */
  readonly demonstration: "none" | "successful-rollout";
  /**
   * What happens to a record that lacks what `reveal` asks for: `error` stops, `skip` leaves it out of the step, `reduce`
   * reveals what there is. All are counted. The same goes for a completion that nothing can be demonstrated to: its tokens do
   * not count, or its teacher sees no demonstration.
   */
  readonly missingPrivilege: "error" | "skip" | "reduce";
  /** Whether the student's prompt allows an imagined closer look. */
  readonly imagination: "on" | "off";
  /** Wording of all prompts. @default promptTemplates of the imagination-prompts package */
  readonly templates?: PromptTemplates;
  readonly sampling: SamplingSettings;
  /** What counts of a rollout that hit the length limit; their share is in the metrics either way. */
  readonly truncated: TruncatedPolicy;
  /** Tokens at the start of each completion that do not count for `opd`. */
  readonly skipFirst: number;
  /** Prompts in one step. The last incomplete batch of an epoch is dropped. */
  readonly batchSize: number;
  /** Sequences in one forward and backward pass; any value gives the same gradient. */
  readonly microBatchSize: number;
  /** Longer student prompts are left out of the step and counted, tokens. */
  readonly maxPromptTokens: number;
  readonly optimiser: OptimiserSettings;
  /** Decides the order of the data and every sampled token. */
  readonly seed: number;
}

/** As the options of the same names of rollout-sampler. */
export interface SamplingSettings
  extends Pick<
    SamplingOptions,
    "topP" | "topK" | "minP" | "typicalP" | "minTokens" | "repetitionPenalty" | "presencePenalty"
  > {
  readonly temperature: number;
  /** Longest completion, tokens. */
  readonly maxTokens: number;
  readonly rolloutsPerPrompt: number;
}

/** AdamW (Loshchilov and Hutter, arXiv 1711.05101) and what surrounds it. */
export interface OptimiserSettings {
  /** Learning rate by step. */
  readonly schedule: Schedule;
  /** Decay of the first and the second moment. */
  readonly betas: readonly [number, number];
  /** Added to the root of the second moment. */
  readonly epsilon: number;
  /** Decoupled: each step takes this share times the learning rate off every weight. */
  readonly weightDecay: number;
  /** Gradients are scaled down to this global norm. */
  readonly maxGradientNorm: number;
}
