import type { Divergence, RatioClip, TopK } from "@imagine-opd/distillation-loss";
import type { Example } from "@imagine-opd/protocol";

/** The sampled tokens' log-probs as a policy gradient of KL(student‖teacher): the paper's form. */
export interface SampledReverseKl {
  readonly kind: "sampled-reverse-kl";
  /** Without effect while there is one update a batch. @default not clipped */
  readonly clip?: RatioClip;
}

/** A divergence between next-token distributions. */
export type DistributionDivergence = Divergence & {
  /** Compares the most likely ids, and the rest as one or not at all. @default all ids */
  readonly topK?: TopK;
  /**
   * Largest truncated importance weight of a token, student against sampler. Needs sampling that cuts nothing off, because the
   * ratio would be wrong by the kept mass. @default not weighted
   */
  readonly importanceCap?: number;
};

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
  | { readonly kind: "grpo"; readonly rewardOf: (text: string, example: Example) => number; readonly clip?: RatioClip };
