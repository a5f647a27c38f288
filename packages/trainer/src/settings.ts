import type { PromptTemplates } from "@imagine-opd/imagination-prompts";
import type { Schedule } from "@imagine-opd/optim";
import type { Reveal } from "@imagine-opd/privileged-teacher";
import type { SamplingOptions, TruncatedPolicy } from "@imagine-opd/rollout-sampler";
import type { Objective } from "./objective.ts";

/** Everything that decides what training does, apart from model, data and teacher. */
export interface TrainSettings {
  readonly objective: Objective;
  /** What the teacher's prompt shows. */
  readonly reveal: Reveal;
  /**
   * Where the teacher sees the evidence views: after the student's pictures (`shared`), or in their place and without a word
   * about it (`swapped`).
   */
  readonly pictures: "shared" | "swapped";
  /**
   * What happens to a record that lacks what `reveal` asks for: `error` stops, `skip` leaves it out of the step, `reduce`
   * reveals what there is. All are counted.
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

export interface OptimiserSettings {
  readonly schedule: Schedule;
  readonly betas: readonly [number, number];
  readonly epsilon: number;
  readonly weightDecay: number;
  /** Gradients are scaled down to this global norm. */
  readonly maxGradientNorm: number;
}
