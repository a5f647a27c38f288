import type { EncodedPrompt, Processor } from "@imagine-opd/protocol";
import type { ImageFeatures, Policy } from "@imagine-opd/protocol/policy";
import { type SampledRollout, sampleRollouts } from "@imagine-opd/rollout-sampler";
import type { PreparedExample } from "./prepare-examples.ts";
import type { TrainSettings } from "./settings.ts";

/** A completion that the step learns from. */
export interface Completion {
  readonly source: PreparedExample;
  readonly prompt: EncodedPrompt;
  readonly tokens: Int32Array;
  /** Absent for given completions. */
  readonly rollout?: SampledRollout;
}

/** The student's own completions, or for `sft` the given ones. */
export async function collectCompletions(
  policy: Policy,
  processor: Processor,
  prepared: readonly PreparedExample[],
  settings: TrainSettings,
  at: { readonly step: number; readonly features: ImageFeatures; readonly signal: AbortSignal | undefined },
): Promise<readonly Completion[]> {
  const { objective, sampling, seed, loss } = settings;
  if (objective.kind === "sft") {
    return prepared.map((source) => ({
      source,
      prompt: source.student,
      tokens: objective.completionOf(source.example),
    }));
  }
  const { rolloutsPerPrompt, ...processing } = sampling;
  const rollouts = await sampleRollouts(
    policy,
    prepared.map(({ example, student }) => ({ recordId: example.id, prompt: student })),
    {
      ...processing,
      rolloutsPerPrompt,
      seed,
      step: at.step,
      stopTokenIds: processor.stopTokenIds,
      bannedTokenIds: [...processor.placeholderTokenIds, ...(loss.bannedTokenIds ?? [])],
      tokenLimit: Math.min(processor.tokenCount, policy.vocabSize),
      features: at.features,
      ...(at.signal && { signal: at.signal }),
    },
  );
  return rollouts.map((rollout, i) => {
    const source = prepared[Math.floor(i / rolloutsPerPrompt)]!;
    return { source, prompt: source.student, tokens: rollout.completion, rollout };
  });
}
