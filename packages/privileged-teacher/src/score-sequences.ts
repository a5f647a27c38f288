import { tokenLogProbs } from "@imagine-opd/distillation-loss";
import { ImagineOpdError } from "@imagine-opd/protocol";
import type { ImageFeatures, Policy, ScoredSequence, WeightView } from "@imagine-opd/protocol/policy";
import type { SampledScores, ScoreRequest, StateScores } from "./teacher.ts";

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
  return { states: policy.completionStates(sequences, { weights, ...(features && { features }) }), lengths };
}

/** Log-prob and entropy of every completion token under the given weights. */
export async function scoreSampled(
  policy: Policy,
  sequences: readonly ScoredSequence[],
  weights: WeightView,
  { features, ...ask }: Omit<Extract<ScoreRequest, { want: "sampled" }>, "want"> & { readonly chunkRows?: number },
): Promise<SampledScores> {
  const { states, lengths } = scoreStates(policy, sequences, weights, features);
  try {
    const tokens = joinCompletions(sequences);
    const { logProbs, entropy } = await tokenLogProbs(states, { ...ask, head: policy.head, weights, tokens });
    return { logProbs, entropy, lengths };
  } finally {
    states.dispose();
  }
}

/** `[N]` ids of all completions, sequences one after the other. */
export function joinCompletions(sequences: readonly ScoredSequence[]): Int32Array {
  return Int32Array.from(sequences.flatMap(({ completion }) => [...completion]));
}
