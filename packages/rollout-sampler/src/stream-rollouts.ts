import { throwIfAborted } from "@imagine-opd/protocol";
import { allowedTokens, checkSampling } from "./check-sampling.ts";
import { createTurnTaker } from "./event-loop-turn.ts";
import {
  closeRollout,
  findStopReason,
  groupByPrompt,
  nextPlace,
  type OpenRollout,
  openRollouts,
} from "./open-rollout.ts";
import { createRowDecoder } from "./row-decoder.ts";
import type { RolloutRequest, SamplingEvent } from "./sampled-rollout.ts";
import type { DecodingPolicy, SamplingOptions } from "./sampling-options.ts";
import { createTokenSampler } from "./token-sampler.ts";

/** Longest time between two turns of the event loop that the sampler itself brings about. */
const TURN_INTERVAL_MS = 50;

/**
 * Samples completions and tells of every token: rows advance in lockstep, one that ends leaves the batch, and waiting
 * rollouts take the places that are free, those of one prompt together. Tokens depend on the policy's logits, the options and the request, not on the batch.
 * Leaving the loop early (`break`, an error, an abort) frees the decoding session.
 * @throws invalid-argument, limit-exceeded: before anything runs, when the first event is asked for
 * @throws non-finite: NaN or infinite logits, with record and position
 * @throws mismatch: the policy's logits have another shape than it declares
 * @throws aborted: after the rollouts in flight came out with stop reason `aborted`
 */
export async function* streamRollouts(
  policy: DecodingPolicy,
  requests: readonly RolloutRequest[],
  options: SamplingOptions,
): AsyncGenerator<SamplingEvent, void, undefined> {
  checkSampling(policy, requests, options);
  const sampleToken = createTokenSampler({ ...options, allowed: allowedTokens(policy.vocabSize, options) });
  const rollouts = openRollouts(requests, options);
  const { batchSize = Math.max(1, rollouts.length), seed, signal } = options;
  const waiting = groupByPrompt(rollouts, batchSize);
  const takeTurn = createTurnTaker(TURN_INTERVAL_MS);
  const decoder = createRowDecoder(policy, options);
  let rows: OpenRollout[] = [];
  try {
    while (rows.length + waiting.length > 0) {
      await takeTurn();
      if (signal?.aborted) {
        for (const row of rows) yield { type: "rollout-finished", rollout: closeRollout(row, "aborted", seed) };
        throwIfAborted(signal, "rollout-sampler.streamRollouts");
      }
      const lastIds = Int32Array.from(rows, ({ tokens }) => tokens.at(-1)!.tokenId);
      const logits = rows.length === 0 ? [] : await decoder.advance(lastIds);
      const entering: OpenRollout[] = [];
      while (waiting.length > 0 && rows.length + entering.length + waiting[0]!.length <= batchSize)
        entering.push(...waiting.shift()!);
      if (entering.length > 0) logits.push(...(await decoder.enter(entering.map(({ request }) => request.prompt))));
      rows.push(...entering);

      const going: number[] = [];
      for (const [index, row] of rows.entries()) {
        const place = nextPlace(row);
        const token = sampleToken(logits[index]!, row.stream.uniform(), place, {
          prompt: row.request.prompt.tokenIds,
          completion: row.tokens,
        });
        row.tokens.push(token);
        yield { type: "token-sampled", ...place, ...token };
        const stopReason = findStopReason(row, options);
        if (stopReason === undefined) going.push(index);
        else yield { type: "rollout-finished", rollout: closeRollout(row, stopReason, seed) };
      }
      decoder.keep(going);
      rows = going.map((index) => rows[index]!);
    }
  } finally {
    decoder.dispose();
  }
}
