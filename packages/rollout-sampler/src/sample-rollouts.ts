import type { RolloutRequest, SampledRollout } from "./sampled-rollout.ts";
import type { DecodingPolicy, SamplingOptions } from "./sampling-options.ts";
import { streamRollouts } from "./stream-rollouts.ts";

/**
 * Samples `rolloutsPerPrompt` completions of every prompt; the result is in the order of the requests, rollouts of one
 * prompt next to each other. The same as collecting {@link streamRollouts}, and rejects with the same errors.
 */
export async function sampleRollouts(
  policy: DecodingPolicy,
  requests: readonly RolloutRequest[],
  options: SamplingOptions,
): Promise<SampledRollout[]> {
  const { rolloutsPerPrompt = 1 } = options;
  const order = new Map(requests.map(({ recordId }, index) => [recordId, index]));
  const rollouts: SampledRollout[] = [];
  for await (const event of streamRollouts(policy, requests, options)) {
    if (event.type !== "rollout-finished") continue;
    const { recordId, rolloutIndex } = event.rollout;
    rollouts[order.get(recordId)! * rolloutsPerPrompt + rolloutIndex] = event.rollout;
  }
  return rollouts;
}
