export { type CheckPolicyOptions, checkPolicy } from "./check-policy/check-policy.ts";
export { type PolicyProperty, type PolicyReport, policyProperties } from "./check-policy/policy-report.ts";
export { sampleRollouts } from "./sample-rollouts.ts";
export type {
  RolloutRequest,
  SampledRollout,
  SampledToken,
  SamplingEvent,
  TokenPlace,
} from "./sampled-rollout.ts";
export type { DecodingPolicy, SamplingOptions } from "./sampling-options.ts";
export { streamRollouts } from "./stream-rollouts.ts";
export { type TruncatedPolicy, type TruncatedRollouts, weighTruncated } from "./truncated-rollouts.ts";
export { openUncachedDecoding } from "./uncached-decoding.ts";
