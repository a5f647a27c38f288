import {
  crossEntropyThroughHead,
  type DistillationResult,
  divergenceThroughHead,
  policyGradientThroughHead,
  sampledReverseKlThroughHead,
} from "@imagine-opd/distillation-loss";
import { pairContexts, type Teacher } from "@imagine-opd/privileged-teacher";
import type { Processor } from "@imagine-opd/protocol";
import type { ImageFeatures, Policy, ScoredSequence } from "@imagine-opd/protocol/policy";
import type { Tensor2D } from "@tensorflow/tfjs-core";
import type { Completion } from "./collect-completions.ts";
import { groupAdvantages } from "./group-advantages.ts";
import type { MicroBatch } from "./micro-batches.ts";
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
}

const nothing = { dispose: () => {} };

/** Ids that neither model can produce: placeholders and rows of the head beyond the tokenizer. */
function impossibleTokens({ placeholderTokenIds, tokenCount }: Processor, vocabSize: number): Int32Array {
  const beyond = Array.from({ length: Math.max(0, vocabSize - tokenCount) }, (_, i) => tokenCount + i);
  return Int32Array.from([...placeholderTokenIds, ...beyond]);
}

/** The teacher's context for each completion, ids copied and checked. */
export function teacherContexts(
  completions: readonly Completion[],
  { policy, processor }: LossParts,
): ScoredSequence[] {
  return pairContexts(
    completions.map(({ rollout }) => rollout!),
    completions.map(({ source }) => source.teacher!),
    { placeholderTokenIds: processor.placeholderTokenIds, contextLength: policy.contextLength },
  );
}

/** Chooses the loss of the objective. `normalizer` is the token count of the whole step. */
export function createStepLoss(
  completions: readonly Completion[],
  texts: readonly string[],
  parts: LossParts,
  settings: TrainSettings,
): StepLoss {
  const { policy, processor, teacher, teacherFeatures } = parts;
  const { objective, sampling } = settings;
  const normalizer = completions.reduce((sum, { tokens }) => sum + tokens.length, 0);
  const shared = { head: policy.head, trainable: policy.trainable, normalizer, temperature: sampling.temperature };
  const features = teacherFeatures && { features: teacherFeatures };

  if (objective.kind === "sft") {
    return {
      prepare: async ({ tokens }) => ({
        ...nothing,
        apply: (states) => crossEntropyThroughHead(states, { ...shared, temperature: 1, tokens }),
      }),
    };
  }
  if (objective.kind === "grpo") {
    const rewards = completions.map(({ source }, i) => objective.rewardOf(texts[i]!, source.example));
    const perCompletion = groupAdvantages(rewards, sampling.rolloutsPerPrompt);
    const clip = objective.clip && { clip: objective.clip };
    return {
      prepare: async ({ tokens, completions: own, first }) => {
        const advantages = Float32Array.from(
          own.flatMap((completion, i) => Array.from(completion.tokens, () => perCompletion[first + i]!)),
        );
        return {
          ...nothing,
          apply: (states) => policyGradientThroughHead(states, { ...shared, ...clip, tokens, advantages }),
        };
      },
    };
  }
  const contexts = teacherContexts(completions, parts);
  const { divergence } = objective;
  if (divergence.kind === "sampled-reverse-kl") {
    const clip = divergence.clip && { clip: divergence.clip };
    return {
      prepare: async ({ tokens, completions: own, first }) => {
        const sequences = contexts.slice(first, first + own.length);
        const ask = { want: "sampled", temperature: sampling.temperature, ...features } as const;
        const { logProbs } = await teacher!.score(sequences, ask);
        return {
          ...nothing,
          apply: (states) =>
            sampledReverseKlThroughHead(states, { ...shared, ...clip, tokens, teacherLogProbs: logProbs }),
        };
      },
    };
  }
  const banned = impossibleTokens(processor, policy.vocabSize);
  return {
    prepare: async ({ tokens, completions: own, first }) => {
      const sequences = contexts.slice(first, first + own.length);
      const { states: teacherStates } = await teacher!.score(sequences, { want: "states", ...features });
      return {
        apply: (states) =>
          divergenceThroughHead(states, {
            ...shared,
            divergence,
            tokens,
            banned,
            teacher: { states: teacherStates, weights: teacher!.weights },
          }),
        dispose: () => teacherStates.dispose(),
      };
    },
  };
}
