import {
  crossEntropyThroughHead,
  type DistillationResult,
  divergenceThroughHead,
  policyGradientThroughHead,
  sampledReverseKlThroughHead,
} from "@imagine-opd/distillation-loss";
import { findAssistantPrefix, pairContexts, type Teacher } from "@imagine-opd/privileged-teacher";
import { ImagineOpdError, type Processor } from "@imagine-opd/protocol";
import type { ImageFeatures, Policy, ScoredSequence } from "@imagine-opd/protocol/policy";
import type { Tensor2D } from "@tensorflow/tfjs-core";
import type { Completion } from "./collect-completions.ts";
import { groupAdvantages } from "./group-advantages.ts";
import type { MicroBatch } from "./micro-batches.ts";
import type { DistributionDivergence, Objective, SampledReverseKl } from "./objective.ts";
import type { TrainSettings } from "./settings.ts";

/** The loss of a step, asked for one micro-batch at a time. */
export interface StepLoss {
  /** Asks the teacher about a micro-batch, outside the tape. The result makes the loss from the student's states. */
  prepare(batch: MicroBatch): Promise<MicroLoss>;
}

export interface MicroLoss {
  /** Called while the tape records. */
  apply(states: Tensor2D): DistillationResult;
  dispose(): void;
}

export interface LossParts {
  readonly policy: Policy;
  readonly processor: Processor;
  /** Present for `opd`. */
  readonly teacher: Teacher | undefined;
  /** Features of the teacher's pictures under its weights. */
  readonly teacherFeatures: ImageFeatures | undefined;
  readonly completions: readonly Completion[];
  /** Of the completions. */
  readonly texts: readonly string[];
  /** `[N]` of the whole step: 0 where a token does not count. */
  readonly tokenWeights: Float32Array;
  readonly settings: TrainSettings;
}

const nothing = { dispose: () => {} };

/** Chooses the loss of the objective, normalised by the number of the step's tokens that count. */
export function createStepLoss(parts: LossParts): StepLoss {
  const { objective } = parts.settings;
  if (objective.kind === "sft") return supervisedLoss(parts);
  if (objective.kind === "grpo") return rewardLoss(parts, objective);
  const { divergence } = objective;
  return divergence.kind === "sampled-reverse-kl"
    ? sampledLoss(parts, divergence)
    : distributionLoss(parts, divergence);
}

/** What every loss of a micro-batch is given. */
function sharedOptions({ policy, tokenWeights, settings }: LossParts, { tokens, fromToken, toToken }: MicroBatch) {
  return {
    head: policy.head,
    trainable: policy.trainable,
    normalizer: tokenWeights.filter((weight) => weight > 0).length,
    tokenWeights: tokenWeights.slice(fromToken, toToken),
    temperature: settings.sampling.temperature,
    tokens,
  };
}

function supervisedLoss(parts: LossParts): StepLoss {
  return {
    prepare: async (batch) => {
      const options = { ...sharedOptions(parts, batch), temperature: 1 };
      return { ...nothing, apply: (states) => crossEntropyThroughHead(states, options) };
    },
  };
}

function rewardLoss(parts: LossParts, objective: Extract<Objective, { kind: "grpo" }>): StepLoss {
  const { completions, texts, settings } = parts;
  const rewards = completions.map(({ source }, i) => objective.rewardOf(texts[i]!, source.example));
  const perCompletion = groupAdvantages(rewards, settings.sampling.rolloutsPerPrompt);
  return {
    prepare: async (batch) => {
      const advantages = Float32Array.from(
        batch.completions.flatMap(({ tokens }, i) => Array.from(tokens, () => perCompletion[batch.first + i]!)),
      );
      const clip = objective.clip && { clip: objective.clip };
      const options = { ...sharedOptions(parts, batch), ...clip, advantages };
      return { ...nothing, apply: (states) => policyGradientThroughHead(states, options) };
    },
  };
}

function sampledLoss(parts: LossParts, divergence: SampledReverseKl): StepLoss {
  const { teacher, teacherFeatures, settings } = parts;
  const contexts = teacherContexts(parts);
  return {
    prepare: async (batch) => {
      const { logProbs: teacherLogProbs } = await teacher!.score(contextsOf(contexts, batch), {
        want: "sampled",
        temperature: settings.sampling.temperature,
        ...(teacherFeatures && { features: teacherFeatures }),
      });
      const clip = divergence.clip && { clip: divergence.clip };
      const options = { ...sharedOptions(parts, batch), ...clip, teacherLogProbs };
      return { ...nothing, apply: (states) => sampledReverseKlThroughHead(states, options) };
    },
  };
}

function distributionLoss(parts: LossParts, chosen: DistributionDivergence): StepLoss {
  const { policy, processor, teacher, teacherFeatures, settings } = parts;
  const contexts = teacherContexts(parts);
  const banned = impossibleTokens(processor, policy.vocabSize);
  const { topK, importanceCap: cap, ...divergence } = chosen;
  if (cap !== undefined) refuseImportance(settings);
  return {
    prepare: async (batch) => {
      const features = teacherFeatures && { features: teacherFeatures };
      const scored = await teacher!.score(contextsOf(contexts, batch), { want: "states", ...features });
      const support = topK && { topK };
      const options = { ...sharedOptions(parts, batch), ...support, divergence, banned, teacher: scored };
      // After the bans, which the loss makes too.
      const samplingLogProbs = () =>
        Float32Array.from(batch.completions.flatMap(({ rollout }) => [...rollout!.processedLogProbs]));
      return {
        apply: (states) =>
          cap === undefined
            ? divergenceThroughHead(states, options)
            : divergenceThroughHead(states, {
                ...options,
                importance: { cap, samplingLogProbs: samplingLogProbs() },
              }),
        dispose: () => scored.states.dispose(),
      };
    },
  };
}

/** The teacher's context for each completion, ids copied and checked. */
function teacherContexts({ policy, processor, completions, settings }: LossParts): ScoredSequence[] {
  return pairContexts(
    completions.map(({ rollout }) => rollout!),
    completions.map(({ source }) => source.teacher!),
    {
      placeholderTokenIds: processor.placeholderTokenIds,
      contextLength: policy.contextLength,
      assistantPrefix: findAssistantPrefix(processor),
      pictures: settings.pictures,
    },
  );
}

function contextsOf(contexts: readonly ScoredSequence[], { first, completions }: MicroBatch): ScoredSequence[] {
  return contexts.slice(first, first + completions.length);
}

/** Ids that neither model can produce: placeholders and rows of the head beyond the tokenizer. */
function impossibleTokens({ placeholderTokenIds, tokenCount }: Processor, vocabSize: number): Int32Array {
  const beyond = Array.from({ length: Math.max(0, vocabSize - tokenCount) }, (_, i) => tokenCount + i);
  return Int32Array.from([...placeholderTokenIds, ...beyond]);
}

/** Truncation and penalties make the drawn distribution another than the one that the loss weighs against. */
function refuseImportance({ sampling }: TrainSettings): void {
  const { maxTokens: _, rolloutsPerPrompt: __, temperature: ___, ...processors } = sampling;
  const used = Object.entries(processors).filter(([, value]) => value !== undefined);
  if (used.length === 0) return;
  throw new ImagineOpdError("invalid-argument", {
    where: "trainer.trainStep",
    problem: `importance weights need sampling from the whole distribution, got ${used.map(([name]) => name).join(", ")}.`,
    remedy: "Leave importanceCap out, or sample without truncation and penalties.",
  });
}
