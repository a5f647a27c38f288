import { ImagineOpdError } from "@imagine-opd/protocol";
import type { SampledToken, TokenPlace } from "./sampled-rollout.ts";
import { createTruncation, sum } from "./truncation.ts";

export interface TokenSamplerOptions {
  /** `[V]`: 1 for ids that may be drawn. */
  readonly allowed: Uint8Array;
  /** @default 1 */
  readonly temperature?: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly minP?: number;
}

/** Draws from `[V]` logits with a uniform number in [0, 1); the place is for the error message. */
export type TokenSampler = (logits: Float32Array, uniform: number, place: TokenPlace) => SampledToken;

/**
 * A sampler in float64. Raw distribution: `p = softmax(logits / temperature)`. Bans and truncation leave a set S of mass
 * `m = Σ_S p`; the token is drawn from `p / m` on S. Temperature 0 leaves only the most probable allowed token, with p of
 * temperature 1. O(V) for a token, and O(log V) for each token that top-k or top-p looks at.
 * @throws non-finite when the logits define no distribution
 */
export function createTokenSampler(options: TokenSamplerOptions): TokenSampler {
  const { allowed, temperature = 1, ...truncationOptions } = options;
  const divisor = temperature === 0 ? 1 : temperature;
  const weights = new Float64Array(allowed.length);
  const truncate = createTruncation(allowed.length, temperature === 0 ? { topK: 1 } : truncationOptions);
  return (logits, uniform, place) => {
    const { max, total, entropy } = exponentiate(logits, divisor, weights);
    if (!Number.isFinite(total))
      throw nonFinite(place, `got ${logits.find((logit) => !(logit < Infinity)) ?? -Infinity}`);
    const allowedMax = keepAllowed(logits, allowed, divisor, max, weights);
    if (allowedMax === -Infinity) throw nonFinite(place, "got -Infinity for every token that may be drawn");
    truncate(logits, weights);
    const keptTotal = sum(weights);
    const tokenId = invertCumulative(weights, uniform * keptTotal);
    return {
      tokenId,
      logProb: (logits[tokenId]! - max) / divisor - Math.log(total),
      processedLogProb: (logits[tokenId]! - allowedMax) / divisor - Math.log(keptTotal),
      keptMass: (keptTotal / total) * Math.exp((allowedMax - max) / divisor),
      entropy,
    };
  };
}

/** Fills `weights` with `exp((logits - max) / divisor)`; their total, and the entropy of `weights / total` in nats. */
function exponentiate(logits: Float32Array, divisor: number, weights: Float64Array) {
  let max = -Infinity;
  for (let id = 0; id < logits.length; id++) if (logits[id]! > max) max = logits[id]!;
  let total = 0;
  let weightedExponents = 0;
  for (let id = 0; id < logits.length; id++) {
    const exponent = (logits[id]! - max) / divisor;
    const weight = Math.exp(exponent);
    weights[id] = weight;
    total += weight;
    if (weight > 0) weightedExponents += weight * exponent;
  }
  return { max, total, entropy: Math.log(total) - weightedExponents / total };
}

/** Zeroes the weights that may not be drawn; the largest logit of the others, by which the weights are then shifted. */
function keepAllowed(
  logits: Float32Array,
  allowed: Uint8Array,
  divisor: number,
  max: number,
  weights: Float64Array,
): number {
  let allowedMax = -Infinity;
  for (let id = 0; id < logits.length; id++) {
    if (allowed[id] === 0) weights[id] = 0;
    else if (logits[id]! > allowedMax) allowedMax = logits[id]!;
  }
  // A banned favourite must not push the others below the smallest double.
  if (allowedMax < max && allowedMax > -Infinity) {
    for (let id = 0; id < logits.length; id++) {
      if (allowed[id] === 1) weights[id] = Math.exp((logits[id]! - allowedMax) / divisor);
    }
  }
  return allowedMax;
}

/** The first index whose cumulative weight exceeds the target; an index of weight 0 never does. */
function invertCumulative(weights: Float64Array, target: number): number {
  let cumulative = 0;
  let last = -1;
  for (let id = 0; id < weights.length; id++) {
    if (weights[id] === 0) continue;
    cumulative += weights[id]!;
    last = id;
    if (cumulative > target) break;
  }
  // `target` can round up to the total; then the last index that has weight is the one.
  return last;
}

function nonFinite({ recordId, rolloutIndex, position }: TokenPlace, got: string): ImagineOpdError {
  return new ImagineOpdError("non-finite", {
    where: "rollout-sampler.streamRollouts",
    problem: `expected finite logits for token ${position} of record \`${recordId}\` (rollout ${rolloutIndex}), ${got}.`,
    remedy: "Check the policy's weights and the last update.",
    details: { recordId, rolloutIndex, position },
  });
}
