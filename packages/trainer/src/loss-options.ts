import type { ReductionOptions } from "@imagine-opd/distillation-loss";
import type { Processor } from "@imagine-opd/protocol";
import type { Policy } from "@imagine-opd/protocol/policy";
import type { MicroBatch } from "./micro-batches.ts";
import type { TrainSettings } from "./settings.ts";

interface StepParts {
  readonly policy: Policy;
  readonly processor: Processor;
  readonly completions: readonly unknown[];
  /** `[N]` of the whole step: 0 where a token does not count. */
  readonly tokenWeights: Float32Array;
  /** `[N]` factors on top of them. @default 1 for every token */
  readonly viewWeights?: Float32Array;
  readonly settings: TrainSettings;
}

/** What every loss of a micro-batch is given. */
export function commonOptions(parts: StepParts, { completions, tokens, fromToken, toToken }: MicroBatch) {
  const { policy, tokenWeights, viewWeights, settings } = parts;
  const { temperature = settings.sampling.temperature, chunkRows, chunkVocabulary } = settings.loss;
  const banned = bannedTokens(parts);
  return {
    head: policy.head,
    trainable: policy.trainable,
    tokenWeights: tokenWeights
      .slice(fromToken, toToken)
      .map((weight, i) => weight * (viewWeights?.[fromToken + i] ?? 1)),
    tokens,
    temperature,
    ...reduceStep(parts),
    lengths: Int32Array.from(completions, (completion) => completion.tokens.length),
    ...(banned && { banned }),
    ...(chunkRows !== undefined && { chunkRows }),
    ...(chunkVocabulary !== undefined && { chunkVocabulary }),
  };
}

/** The reduction with the normalizer of the whole step, so that micro-batches add up to it. */
function reduceStep({ completions, tokenWeights, settings: { loss } }: StepParts): ReductionOptions {
  const { reduction } = loss;
  switch (reduction) {
    case "sum":
      return { reduction };
    case "token-mean":
      return { reduction, normalizer: Math.max(1, tokenWeights.filter((weight) => weight > 0).length) };
    default:
      // The lengths are the micro-batch's.
      return { ...loss, normalizer: completions.length } as ReductionOptions;
  }
}

/**
 * Ids that no model can produce: placeholders, rows of the head beyond the tokenizer, and those of the settings. The forms that
 * look at sampled tokens keep the whole vocabulary unless the settings ban some, so that their log-probs are the raw ones.
 */
function bannedTokens({ policy, processor, settings: { loss, objective } }: StepParts): Int32Array | undefined {
  const whole = objective.kind === "opd" && objective.divergence.kind !== "sampled-reverse-kl";
  if (!whole && loss.bannedTokenIds === undefined) return undefined;
  const { placeholderTokenIds, tokenCount } = processor;
  const beyond = Array.from({ length: Math.max(0, policy.vocabSize - tokenCount) }, (_, i) => tokenCount + i);
  return Int32Array.from([...placeholderTokenIds, ...beyond, ...(loss.bannedTokenIds ?? [])]);
}

/** `[N]` the sampler's log-probs of a micro-batch. */
export function joinRollouts({ completions }: MicroBatch, which: "logProbs" | "processedLogProbs"): Float32Array {
  return Float32Array.from(completions.flatMap(({ rollout }) => [...rollout![which]]));
}
