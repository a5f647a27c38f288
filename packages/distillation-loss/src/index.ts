export {
  type CrossEntropyOptions,
  type CrossEntropyThroughHeadOptions,
  crossEntropy,
  crossEntropyThroughHead,
} from "./cross-entropy.ts";
export type { DistillationResult, TokenReport } from "./distillation-result.ts";
export {
  type DivergenceOptions,
  type DivergenceThroughHeadOptions,
  divergence,
  divergenceThroughHead,
} from "./divergence.ts";
export { estimateReverseKl, type ReverseKlEstimator } from "./estimate-reverse-kl.ts";
export type { HeadOptions, TeacherStates } from "./loss-through-head.ts";
export {
  type PolicyGradientOptions,
  type PolicyGradientThroughHeadOptions,
  policyGradient,
  policyGradientThroughHead,
} from "./policy-gradient.ts";
export type { Divergence } from "./row-divergence.ts";
export type { RowOptions } from "./row-plan.ts";
export {
  type SampledReverseKlOptions,
  type SampledReverseKlThroughHeadOptions,
  sampledReverseKl,
  sampledReverseKlThroughHead,
} from "./sampled-reverse-kl.ts";
export { type SummarizeTokensOptions, summarizeTokens, type TokenSummary } from "./summarize-tokens.ts";
export type { RatioClip, RatioOptions } from "./surrogates.ts";
export { type TokenLogProbs, type TokenLogProbsOptions, tokenLogProbs } from "./token-log-probs.ts";
