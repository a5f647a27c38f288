import type { Divergence, RatioClip } from "@imagine-opd/distillation-loss";
import type { Example } from "@imagine-opd/protocol";

/**
 * What a step optimises.
 *
 * - `opd`: on-policy self-distillation. The student's own completions, scored by the teacher under the privileged prompt;
 *   `sampled-reverse-kl` uses the sampled tokens' log-probs (the paper's form), the others whole distributions.
 * - `sft`: cross-entropy of given completions; no rollout, no teacher.
 * - `grpo`: policy gradient with rewards normalised within each prompt's rollouts (Shao et al., arXiv 2402.03300); no teacher.
 */
export type Objective =
  | {
      readonly kind: "opd";
      readonly divergence: { readonly kind: "sampled-reverse-kl"; readonly clip?: RatioClip } | Divergence;
    }
  | { readonly kind: "sft"; readonly completionOf: (example: Example) => Int32Array }
  | { readonly kind: "grpo"; readonly rewardOf: (text: string, example: Example) => number; readonly clip?: RatioClip };
