export type { DivergenceClip, EntryClip } from "./clip-divergence.ts";
export {
  type CrossEntropyOptions,
  type CrossEntropyThroughHeadOptions,
  crossEntropy,
  crossEntropyThroughHead,
} from "./cross-entropy.ts";
export type { DistillationResult } from "./distillation-result.ts";
export {
  type ComparisonOptions,
  type DivergenceOptions,
  type DivergenceThroughHeadOptions,
  divergence,
  divergenceThroughHead,
  type TokenOptions,
} from "./divergence.ts";
export type { Divergence } from "./divergence-kind.ts";
export { estimateReverseKl, type ReverseKlEstimator } from "./estimate-reverse-kl.ts";
export type { Importance } from "./importance-weight.ts";
export type { HeadOptions, TeacherStates } from "./loss-through-head.ts";
export {
  type PolicyGradientOptions,
  type PolicyGradientThroughHeadOptions,
  policyGradient,
  policyGradientThroughHead,
} from "./policy-gradient.ts";
export { type PrefixWeightsOptions, prefixWeights } from "./prefix-weights.ts";
export type {
  DistributionOptions,
  ReductionOptions,
  RowOptions,
  SkipOptions,
  WeightOptions,
} from "./row-options.ts";
export {
  type SampledReverseKlOptions,
  type SampledReverseKlThroughHeadOptions,
  sampledReverseKl,
  sampledReverseKlThroughHead,
} from "./sampled-reverse-kl.ts";
export { type SummarizeTokensOptions, summarizeTokens, type TokenSummary } from "./summarize-tokens.ts";
export type { AdvantageOptions, RatioClip, RatioOptions } from "./surrogates.ts";
export { type TokenLogProbs, type TokenLogProbsOptions, tokenLogProbs } from "./token-log-probs.ts";
export type { ClipFractions, SupportReport, TokenReport } from "./token-report.ts";
export type { TopK } from "./top-k.ts";
export { truncatedImportanceWeights } from "./truncated-importance-weights.ts";
export { type ViewContrastOptions, viewContrastWeights } from "./view-contrast-weights.ts";
