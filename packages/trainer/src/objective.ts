import type {
  Divergence,
  DivergenceClip,
  EntryClip,
  RatioClip,
  TopK,
  ViewContrastOptions,
} from "@imagine-opd/distillation-loss";
import type { Example } from "@imagine-opd/protocol";

/** What the policy gradients of sampled tokens do with the importance ratio ρ. */
export interface RatioChoice {
  /**
   * What ρ is: 1, or the token's probability under the student over that under the sampler, which differ by rounding alone as
   * long as there is one update a batch.
   * @default "one"
   */
  readonly ratio?: "one" | "sampler";
  /** Bounds on ρ, without effect while it is 1. @default not clipped */
  readonly clip?: RatioClip;
  /** As that of {@link DistributionDivergence}. @default not weighted */
  readonly importanceCap?: number;
}

/** The sampled tokens' log-probs as a policy gradient of KL(student‖teacher): the paper's form. */
export interface SampledReverseKl extends RatioChoice {
  readonly kind: "sampled-reverse-kl";
  /** Advantages are held within ± this, nats. @default not clipped */
  readonly advantageClip?: number;
  /**
   * `expected` takes off each advantage its mean over the student's distribution, −KL(student‖teacher) at that place: the same
   * expected gradient with less noise, for one more forward pass of the student.
   * @default "none"
   */
  readonly baseline?: "none" | "expected";
  /**
   * γ of IW-OPD's weights, 1 + γ at the start of a completion and 1 where the models' disagreements lie behind; 0.5 there.
   * @default not weighted
   */
  readonly prefixGamma?: number;
  /** As that of {@link DistributionDivergence}. @default not weighted */
  readonly viewContrast?: ViewContrast;
}

/** A divergence between next-token distributions. */
export type DistributionDivergence = Divergence & {
  /** Compares the most likely ids, and the rest as one or not at all. @default all ids */
  readonly topK?: TopK;
  /** Bounds what one token, or one id's term, adds; the latter does not go with a tail. @default not clipped */
  readonly clip?: DivergenceClip | EntryClip;
  /** `squared` multiplies the loss by the square of its temperature. @default "none" */
  readonly temperatureScaling?: "none" | "squared";
  /**
   * Largest truncated importance weight of a token, student against sampler. Needs sampling that cuts nothing off, because the
   * ratio would be wrong by the kept mass, and the sampler's temperature.
   * @default not weighted
   */
  readonly importanceCap?: number;
  /** Weighs completions by how much better the right views explain them than wrong ones. @default not weighted */
  readonly viewContrast?: ViewContrast;
};

/**
 * V-Zero's weights (arXiv 2606.25319), as `viewContrastWeights` of distillation-loss: completions that the right views explain
 * better than wrong ones, compared with the other completions of their prompt, count more. Costs two further scorings by the
 * teacher.
 */
export interface ViewContrast extends Omit<ViewContrastOptions, "lengths" | "groupSize" | "tokenWeights"> {
  /** What the wrong views are, as `controlViews` of region-cropper makes them; those of `shuffled` are another record's of the step. */
  readonly wrong: "shuffled" | "blank" | "noise";
}

/**
 * What a step optimises.
 *
 * - `opd`: on-policy self-distillation. The student's own completions, scored by the teacher under the privileged prompt
 * - `sft`: cross-entropy of given completions; no rollout, no teacher.
 * - `grpo`: policy gradient with rewards normalised within each prompt's rollouts (Shao et al., arXiv 2402.03300); no teacher.
 */
export type Objective =
  | { readonly kind: "opd"; readonly divergence: SampledReverseKl | DistributionDivergence }
  | { readonly kind: "sft"; readonly completionOf: (example: Example) => Int32Array }
  | ({ readonly kind: "grpo"; readonly rewardOf: (text: string, example: Example) => number } & RatioChoice);
