import { ImagineOpdError } from "@imagine-opd/protocol";
import { exponential } from "./exponential.ts";
import { createPenalties, type PenaltyOptions, type SeenTokens } from "./penalties.ts";
import type { SampledToken, TokenPlace } from "./sampled-rollout.ts";
import { createTruncation, keepLargest, sum, type TruncationOptions } from "./truncation.ts";

export interface TokenSamplerOptions extends TruncationOptions, PenaltyOptions {
  /** `[V]`: 1 for ids that may be drawn. */
  readonly allowed: Uint8Array;
  /** @default 1 */
  readonly temperature?: number;
  /** Tokens of the completion before which none of `stopTokenIds` may be drawn. @default 0 */
  readonly minTokens?: number;
  /** @default [] */
  readonly stopTokenIds?: readonly number[];
}

/**
 * Draws from `[V]` logits with a uniform number in [0, 1). The place decides whether a stop token may be drawn, and stands
 * in errors; what was seen is read by penalties only.
 */
export type TokenSampler = (
  logits: Float32Array,
  uniform: number,
  place: TokenPlace,
  seen?: SeenTokens,
) => SampledToken;

/** Below this exponent of e, weights beside a banned favourite come near the smallest double. */
const smallestExponent = -600;

/**
 * A sampler in float64. Raw distribution: `p = softmax(logits / temperature)`. Penalties change the logits to those of q
 * (q = p without any); bans and truncation leave a set S of mass `m = Σ_S q`; the token is drawn from `q / m` on S.
 * Temperature 0 leaves only the most probable allowed token, with p of temperature 1. O(V) for a token: one pass for the
 * maximum, one for weights, sum and entropy, one for the draw, one for the rank.
 * @throws non-finite when the logits define no distribution
 */
export function createTokenSampler(options: TokenSamplerOptions): TokenSampler {
  const { allowed, temperature = 1, minTokens = 0, stopTokenIds = [] } = options;
  const inverse = temperature === 0 ? 1 : 1 / temperature;
  const allowedEarly = minTokens === 0 ? allowed : withoutTokens(allowed, stopTokenIds);
  const weights = new Float64Array(allowed.length);
  const truncate = temperature === 0 ? keepLargest : createTruncation(allowed.length, options);
  const penalise = createPenalties(allowed.length, options);
  return (logits, uniform, place, seen = { prompt: new Int32Array(0), completion: [] }) => {
    const mayDraw = place.position < minTokens ? allowedEarly : allowed;
    const raw = exponentiate(logits, mayDraw, inverse, weights);
    if (!Number.isFinite(raw.total))
      throw nonFinite(place, `got ${logits.find((logit) => !(logit < Infinity)) ?? -Infinity}`);
    const scores = penalise === undefined ? logits : penalise(logits, seen);
    const drawn = scores === logits ? raw : exponentiate(scores, mayDraw, inverse, weights);
    const shift = reweighAllowed(scores, mayDraw, inverse, drawn, weights);
    if (shift === -Infinity) throw nonFinite(place, "got -Infinity for every token that may be drawn");
    const keptTotal = truncate(scores, weights) || shift < drawn.max ? sum(weights) : drawn.allowedTotal;
    const tokenId = invertCumulative(weights, uniform * keptTotal);
    return {
      tokenId,
      logProb: (logits[tokenId]! - raw.max) * inverse - Math.log(raw.total),
      processedLogProb: (scores[tokenId]! - shift) * inverse - Math.log(keptTotal),
      keptMass: (keptTotal / drawn.total) * Math.exp((shift - drawn.max) * inverse),
      entropy: raw.entropy,
      rank: rankOf(logits, tokenId),
    };
  };
}

function withoutTokens(allowed: Uint8Array, ids: readonly number[]): Uint8Array {
  const fewer = allowed.slice();
  for (const id of ids) fewer[id] = 0;
  return fewer;
}

interface Exponentials {
  readonly max: number;
  /** Of `exp((logits - max) · inverse)` over all ids, and over those that may be drawn. */
  readonly total: number;
  readonly allowedTotal: number;
  /** Nats, of the distribution over all ids. */
  readonly entropy: number;
}

/** Fills `weights` with `exp((logits - max) · inverse)`, 0 where a token may not be drawn. */
function exponentiate(logits: Float32Array, allowed: Uint8Array, inverse: number, weights: Float64Array): Exponentials {
  let max = -Infinity;
  for (let id = 0; id < logits.length; id++) if (logits[id]! > max) max = logits[id]!;
  let total = 0;
  let allowedTotal = 0;
  let weightedExponents = 0;
  for (let id = 0; id < logits.length; id++) {
    const exponent = (logits[id]! - max) * inverse;
    const weight = exponential(exponent);
    total += weight;
    if (weight > 0) weightedExponents += weight * exponent;
    if (allowed[id] === 1) {
      allowedTotal += weight;
      weights[id] = weight;
    } else weights[id] = 0;
  }
  return { max, total, allowedTotal, entropy: Math.log(total) - weightedExponents / total };
}

/**
 * The logit by which the weights are shifted: the largest of all, unless a banned favourite pushes the allowed ones towards
 * the smallest double; then the weights are made again with the largest allowed logit, which may be -Infinity.
 */
function reweighAllowed(
  logits: Float32Array,
  allowed: Uint8Array,
  inverse: number,
  { max, allowedTotal }: Exponentials,
  weights: Float64Array,
): number {
  if (allowedTotal > Math.exp(smallestExponent)) return max;
  let allowedMax = -Infinity;
  for (let id = 0; id < logits.length; id++) {
    if (allowed[id] === 1 && logits[id]! > allowedMax) allowedMax = logits[id]!;
  }
  if (allowedMax === -Infinity) return allowedMax;
  for (let id = 0; id < logits.length; id++) {
    if (allowed[id] === 1) weights[id] = exponential((logits[id]! - allowedMax) * inverse);
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

/** 1 for the largest logit; ties to the lower id. */
function rankOf(logits: Float32Array, tokenId: number): number {
  const own = logits[tokenId]!;
  let rank = 1;
  for (let id = 0; id < tokenId; id++) if (logits[id]! >= own) rank += 1;
  for (let id = tokenId + 1; id < logits.length; id++) if (logits[id]! > own) rank += 1;
  return rank;
}

function nonFinite({ recordId, rolloutIndex, position }: TokenPlace, got: string): ImagineOpdError {
  return new ImagineOpdError("non-finite", {
    where: "rollout-sampler.streamRollouts",
    problem: `expected finite logits for token ${position} of record \`${recordId}\` (rollout ${rolloutIndex}), ${got}.`,
    remedy: "Check the policy's weights and the last update.",
    details: { recordId, rolloutIndex, position },
  });
}
