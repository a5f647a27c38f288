import { tokenLogProbs } from "@imagine-opd/distillation-loss";
import { ImagineOpdError } from "@imagine-opd/protocol";
import type { ImageFeatures, Policy, ScoredSequence, WeightView } from "@imagine-opd/protocol/policy";
import { scoreTopK } from "./score-top-k.ts";
import type { EntropyScores, SampledScores, ScoreRequest, StateScores, TopKScores } from "./teacher.ts";

/** A request that is answered with typed arrays. */
export type ArrayRequest = Exclude<ScoreRequest, { want: "states" }> & { readonly chunkRows?: number };

/** States `[N, D]` of the completions under the given weights; the caller disposes them. */
export function scoreStates(
  policy: Policy,
  sequences: readonly ScoredSequence[],
  weights: WeightView,
  features?: ImageFeatures,
): StateScores {
  const lengths = Int32Array.from(sequences, ({ completion }) => completion.length);
  if (!lengths.some((length) => length > 0)) {
    throw new ImagineOpdError("invalid-argument", {
      where: "privileged-teacher.score",
      problem: `expected at least one completion token, got none in ${sequences.length} sequences.`,
      remedy: "Leave empty completions out of the batch.",
    });
  }
  const states = policy.completionStates(sequences, { weights, ...(features && { features }) });
  return { states, head: policy.head, weights, lengths };
}

/** What is asked about the distributions that states stand for, on the host. */
export async function scoreArrays(
  { states, head, weights, lengths }: StateScores,
  sequences: readonly ScoredSequence[],
  { features: _, ...ask }: ArrayRequest,
): Promise<SampledScores | EntropyScores | TopKScores> {
  if (ask.want === "top-k") {
    const { want: __, ...options } = ask;
    return { ...(await scoreTopK(states, { ...options, head, weights })), lengths };
  }
  const { want, ...options } = ask;
  const tokens = joinCompletions(sequences);
  const { logProbs, entropy } = await tokenLogProbs(states, { ...options, head, weights, tokens });
  return want === "entropy" ? { entropy, lengths } : { logProbs, entropy, lengths };
}

/** `[N]` ids of all completions, sequences one after the other. */
export function joinCompletions(sequences: readonly ScoredSequence[]): Int32Array {
  return Int32Array.from(sequences.flatMap(({ completion }) => [...completion]));
}
