import type { EncodedPrompt, Rollout } from "@imagine-opd/protocol";

/** A prompt to continue. */
export interface RolloutRequest {
  /** Unique among the requests of one call: it is part of the key of the random stream. */
  readonly recordId: string;
  readonly prompt: EncodedPrompt;
}

/** A token that was drawn, with the numbers of the distribution that it came from. */
export interface SampledToken {
  readonly tokenId: number;
  /** Raw log-prob, nats: log-softmax(logits / temperature) at `tokenId`, before bans and truncation. */
  readonly logProb: number;
  /** Log-prob under the distribution that was drawn from, nats. Without penalties `processedLogProb - logProb = -ln(keptMass)`. */
  readonly processedLogProb: number;
  /** Share of the distribution (raw, or after penalties) that bans and truncation left, 0 to 1; 1 when they removed nothing. */
  readonly keptMass: number;
  /** Entropy of the raw distribution, nats. */
  readonly entropy: number;
  /** Place in the raw distribution: 1 for the most probable token, ties to the lower id. */
  readonly rank: number;
}

/** A rollout with what the sampler knows about every token; all arrays are `[T]`. */
export interface SampledRollout extends Rollout {
  /** `0 … rolloutsPerPrompt - 1`. */
  readonly rolloutIndex: number;
  /** Log-probs under the distribution that was drawn from, nats. */
  readonly processedLogProbs: Float32Array;
  /** Share of the distribution (raw, or after penalties) that bans and truncation left, 0 to 1. */
  readonly keptMass: Float32Array;
  /** Entropy of the raw distribution, nats. */
  readonly entropy: Float32Array;
  /** Places in the raw distribution, from 1 for the most probable token. */
  readonly ranks: Int32Array;
}

/** Where a token stands: in which rollout, and after how many tokens of the completion. */
export interface TokenPlace {
  readonly recordId: string;
  readonly rolloutIndex: number;
  /** Index in the completion, from 0. */
  readonly position: number;
}

/** What `streamRollouts` yields: every token as it is drawn, and every rollout when it ends. */
export type SamplingEvent =
  | ({ readonly type: "token-sampled" } & TokenPlace & SampledToken)
  | { readonly type: "rollout-finished"; readonly rollout: SampledRollout };
