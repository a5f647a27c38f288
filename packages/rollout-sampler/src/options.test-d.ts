import type { Rollout } from "@imagine-opd/protocol";
import type { DecodingSession, Policy } from "@imagine-opd/protocol/policy";
import {
  checkPolicy,
  type DecodingPolicy,
  openUncachedDecoding,
  type PolicyReport,
  type RolloutRequest,
  type SampledRollout,
  type SamplingOptions,
  sampleRollouts,
  streamRollouts,
  weighTruncated,
} from "./index.ts";

// Checked by the compiler alone: what is marked must not compile, everything else must.

declare const policy: Policy;
declare const decoding: DecodingPolicy;
declare const requests: readonly RolloutRequest[];
const required = { stopTokenIds: [0], maxTokens: 8, seed: 1 };
const sample = (options: SamplingOptions) => sampleRollouts(decoding, requests, options);

// A policy's decoding part is enough for sampling, not for the check.
sampleRollouts(policy, requests, required);
checkPolicy(policy, [requests[0]!.prompt, requests[1]!.prompt], { tolerance: 1e-3 });
// @ts-expect-error scores and gradients are checked as well
checkPolicy(decoding, []);

// What decides the tokens has no default.
sample({ ...required, topP: 0.9, topK: 20, minP: 0.1, typicalP: 0.9, rolloutsPerPrompt: 4, batchSize: 8 });
// @ts-expect-error randomness is an argument
sample({ stopTokenIds: [0], maxTokens: 8 });
// @ts-expect-error a completion ends somewhere
sample({ stopTokenIds: [0], seed: 1 });
// @ts-expect-error nothing ends a completion: say so with []
sample({ maxTokens: 8, seed: 1 });
// @ts-expect-error off is absent, not null
sample({ ...required, topK: null });
// @ts-expect-error no such option
sample({ ...required, top_p: 0.9 });
sample({ ...required, weights: { kind: "base" }, stopStrings: ["."], decode: (ids: Int32Array) => ids.join(" ") });
// @ts-expect-error replaced by what?
sample({ ...required, weights: { kind: "replaced" } });

// Both twins give the same rollouts; those are rollouts of the protocol.
export async function collect(): Promise<Rollout[]> {
  const list: SampledRollout[] = await sample(required);
  for await (const event of streamRollouts(decoding, requests, required)) {
    if (event.type === "rollout-finished") list.push(event.rollout);
    else if (event.type === "token-sampled") event.processedLogProb satisfies number;
    else event satisfies never;
  }
  // @ts-expect-error what was sampled stays as it was
  list[0]!.completion = new Int32Array(0);
  return list;
}

weighTruncated([], "mask-last");
weighTruncated([], { kind: "down-weight", weight: 0.5 });
// @ts-expect-error no such policy
weighTruncated([], "half");
// @ts-expect-error by how much?
weighTruncated([], { kind: "down-weight" });

export const session: DecodingSession = openUncachedDecoding(policy, [requests[0]!.prompt]);
// @ts-expect-error there are no scores to decode from
openUncachedDecoding(decoding, []);
export const report: Promise<PolicyReport> = checkPolicy(policy, []);
