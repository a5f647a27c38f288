import { type RandomStream, randomStream } from "@imagine-opd/random-streams";
import type { RolloutRequest, SampledRollout, SampledToken, TokenPlace } from "./sampled-rollout.ts";
import type { SamplingOptions } from "./sampling-options.ts";

/** A rollout that still grows. */
export interface OpenRollout {
  readonly request: RolloutRequest;
  readonly rolloutIndex: number;
  /** One number a token: the token at position t takes number t, whatever the batch does. */
  readonly stream: RandomStream;
  readonly tokens: SampledToken[];
}

/** Every rollout of the requests, rollouts of one prompt next to each other. */
export function openRollouts(
  requests: readonly RolloutRequest[],
  { seed, step = 0, rolloutsPerPrompt = 1 }: SamplingOptions,
): OpenRollout[] {
  return requests.flatMap((request) =>
    Array.from({ length: rolloutsPerPrompt }, (_, rolloutIndex) => ({
      request,
      rolloutIndex,
      stream: randomStream(seed, "rollout", step, request.recordId, rolloutIndex),
      tokens: [],
    })),
  );
}

/**
 * The rollouts in groups that enter a batch as a whole, so that a prompt is prefilled once also when the batch has not room
 * for everything: those of one prompt, at most `batchSize` of them.
 */
export function groupByPrompt(rollouts: readonly OpenRollout[], batchSize: number): OpenRollout[][] {
  const groups: OpenRollout[][] = [];
  for (const rollout of rollouts) {
    const group = groups.at(-1);
    if (group?.[0]?.request === rollout.request && group.length < batchSize) group.push(rollout);
    else groups.push([rollout]);
  }
  return groups;
}

/** Where the rollout's next token will stand. */
export function nextPlace({ request, rolloutIndex, tokens }: OpenRollout): TokenPlace {
  return { recordId: request.recordId, rolloutIndex, position: tokens.length };
}

/** The tokens so far, `[T]`. */
export function completionOf({ tokens }: OpenRollout): Int32Array {
  return Int32Array.from(tokens, ({ tokenId }) => tokenId);
}

/** Why the rollout ends after its last token; `undefined` when it goes on. A stop wins over the length. */
export function findStopReason(open: OpenRollout, options: SamplingOptions): "stop" | "length" | undefined {
  const { stopTokenIds, stopStrings = [], decode, minTokens = 0, maxTokens } = options;
  if (stopTokenIds.includes(open.tokens.at(-1)!.tokenId)) return "stop";
  if (decode !== undefined && stopStrings.length > 0 && open.tokens.length >= minTokens) {
    const text = decode(completionOf(open));
    if (stopStrings.some((stop) => text.includes(stop))) return "stop";
  }
  return open.tokens.length >= maxTokens ? "length" : undefined;
}

/** The finished rollout, as typed arrays. */
export function closeRollout(
  open: OpenRollout,
  stopReason: SampledRollout["stopReason"],
  seed: number,
): SampledRollout {
  const { request, rolloutIndex, tokens } = open;
  return {
    recordId: request.recordId,
    prompt: request.prompt,
    rolloutIndex,
    completion: completionOf(open),
    logProbs: Float32Array.from(tokens, ({ logProb }) => logProb),
    processedLogProbs: Float32Array.from(tokens, ({ processedLogProb }) => processedLogProb),
    keptMass: Float32Array.from(tokens, ({ keptMass }) => keptMass),
    entropy: Float32Array.from(tokens, ({ entropy }) => entropy),
    ranks: Int32Array.from(tokens, ({ rank }) => rank),
    stopReason,
    seed,
  };
}
