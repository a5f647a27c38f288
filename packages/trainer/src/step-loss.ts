import {
  type ComparisonOptions,
  crossEntropyThroughHead,
  type DistillationResult,
  divergenceThroughHead,
  policyGradientThroughHead,
  prefixWeights,
  sampledReverseKlThroughHead,
} from "@imagine-opd/distillation-loss";
import { findAssistantPrefix, pairContexts, type StateScores, type Teacher } from "@imagine-opd/privileged-teacher";
import type { EncodedPrompt, Processor } from "@imagine-opd/protocol";
import type { ImageFeatures, Policy, ScoredSequence } from "@imagine-opd/protocol/policy";
import * as tf from "@tensorflow/tfjs-core";
import type { Completion } from "./collect-completions.ts";
import { groupAdvantages } from "./group-advantages.ts";
import { commonOptions, joinRollouts } from "./loss-options.ts";
import type { MicroBatch } from "./micro-batches.ts";
import type { DistributionDivergence, Objective, RatioChoice, SampledReverseKl } from "./objective.ts";
import type { TrainSettings } from "./settings.ts";

/** The loss of a step, asked for one micro-batch at a time. */
export interface StepLoss {
  /** Asks the teacher about a micro-batch, outside the tape. The result makes the loss from the student's states. */
  prepare(batch: MicroBatch): Promise<MicroLoss>;
}

export interface MicroLoss {
  /** Called while the tape records. */
  apply(states: tf.Tensor2D): DistillationResult;
  dispose(): void;
}

export interface LossParts {
  readonly policy: Policy;
  readonly processor: Processor;
  /** Of the student's pictures. */
  readonly features: ImageFeatures;
  /** Present for `opd`. */
  readonly teacher: Teacher | undefined;
  /** Features of the teacher's pictures under its weights. */
  readonly teacherFeatures: ImageFeatures | undefined;
  /** What the teacher reads before each completion. */
  readonly teacherPrompts: readonly EncodedPrompt[];
  readonly completions: readonly Completion[];
  /** Of the completions. */
  readonly texts: readonly string[];
  /** `[N]` of the whole step: 0 where a token does not count. */
  readonly tokenWeights: Float32Array;
  /** `[N]` V-Zero's weights on top of them. @default 1 for every token */
  readonly viewWeights?: Float32Array;
  readonly settings: TrainSettings;
}

const nothing = { dispose: () => {} };

/** Chooses the loss of the objective, normalised over the whole step. */
export function createStepLoss(parts: LossParts): StepLoss {
  const { objective } = parts.settings;
  if (objective.kind === "sft") return supervisedLoss(parts);
  if (objective.kind === "grpo") return rewardLoss(parts, objective);
  const { divergence } = objective;
  return divergence.kind === "sampled-reverse-kl"
    ? sampledLoss(parts, divergence)
    : distributionLoss(parts, divergence);
}

function supervisedLoss(parts: LossParts): StepLoss {
  return {
    prepare: async (batch) => {
      const options = { ...commonOptions(parts, batch), temperature: 1 };
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
      const common = commonOptions(parts, batch);
      const options = { ...common, ...ratioOptions(objective, samplersLogProbs(batch, common)), advantages };
      return { ...nothing, apply: (states) => policyGradientThroughHead(states, options) };
    },
  };
}

function sampledLoss(parts: LossParts, divergence: SampledReverseKl): StepLoss {
  const askTeacher = teacherOf(parts);
  const { baseline = "none", advantageClip, prefixGamma } = divergence;
  return {
    prepare: async (batch) => {
      const common = commonOptions(parts, batch);
      const sampled = samplersLogProbs(batch, common);
      const scores =
        baseline === "none"
          ? await askTeacher.aboutTokens(batch, common)
          : await askTeacher.aboutAdvantages(batch, common);
      const options = {
        ...common,
        ...scores,
        ...(prefixGamma !== undefined && {
          tokenWeights: weighPrefixes(common, scores.teacherLogProbs, sampled, prefixGamma),
        }),
        ...ratioOptions(divergence, sampled),
        ...(advantageClip !== undefined && { advantageClip }),
      };
      return { ...nothing, apply: (states) => sampledReverseKlThroughHead(states, options) };
    },
  };
}

/** `[N]`. Only ids that the loss removes are missing from the distribution that the sampler drew from. */
function samplersLogProbs(batch: MicroBatch, { banned }: ReturnType<typeof commonOptions>): Float32Array {
  return joinRollouts(batch, banned === undefined ? "logProbs" : "processedLogProbs");
}

function ratioOptions({ ratio = "one", clip, importanceCap: cap }: RatioChoice, samplingLogProbs: Float32Array) {
  return {
    ...(ratio === "sampler" && { samplingLogProbs }),
    ...(clip && { clip }),
    ...(cap !== undefined && { importance: { cap, samplingLogProbs } }),
  };
}

/** IW-OPD's weights on top of those that say which tokens count; what does not count is no disagreement either. */
function weighPrefixes(
  { tokenWeights, lengths }: ReturnType<typeof commonOptions>,
  teacherLogProbs: Float32Array,
  studentLogProbs: Float32Array,
  gamma: number,
): Float32Array {
  const logRatios = tokenWeights.map((weight, i) => (weight > 0 ? teacherLogProbs[i]! - studentLogProbs[i]! : 0));
  const prefix = prefixWeights(logRatios, { lengths, gamma });
  return tokenWeights.map((weight, i) => weight * prefix[i]!);
}

function distributionLoss(parts: LossParts, chosen: DistributionDivergence): StepLoss {
  const askTeacher = teacherOf(parts);
  const { topK, clip, temperatureScaling, importanceCap: cap, viewContrast: _, ...divergence } = chosen;
  const comparison = {
    divergence,
    ...(topK && { topK }),
    ...(clip && { clip }),
    ...(temperatureScaling && { temperatureScaling }),
  } as ComparisonOptions;
  return {
    prepare: async (batch) => {
      const scored = await askTeacher.forStates(batch);
      const common = { ...commonOptions(parts, batch), ...comparison, teacher: scored };
      const samplingLogProbs = () => joinRollouts(batch, "processedLogProbs");
      return {
        apply: (states) =>
          cap === undefined
            ? divergenceThroughHead(states, common)
            : divergenceThroughHead(states, { ...common, importance: { cap, samplingLogProbs: samplingLogProbs() } }),
        dispose: () => scored.states.dispose(),
      };
    },
  };
}

interface TokenScores {
  readonly teacherLogProbs: Float32Array;
  readonly baseline?: Float32Array;
}

/** What the losses ask of the teacher about the completions of a micro-batch. */
function teacherOf(parts: LossParts) {
  const { policy, teacherFeatures, features } = parts;
  const teacher = parts.teacher!;
  const contexts = teacherContexts(parts);
  const own = teacherFeatures && { features: teacherFeatures };
  const contextsOf = ({ first, completions }: MicroBatch) => contexts.slice(first, first + completions.length);
  const forStates = (batch: MicroBatch): Promise<StateScores> =>
    teacher.score(contextsOf(batch), { want: "states", ...own });
  type Common = ReturnType<typeof commonOptions>;
  return {
    forStates,
    async aboutTokens(batch: MicroBatch, { temperature, banned }: Common): Promise<TokenScores> {
      const distribution = { temperature, ...(banned && { banned }) };
      const { logProbs } = await teacher.score(contextsOf(batch), { want: "sampled", ...distribution, ...own });
      return { teacherLogProbs: logProbs };
    },
    /** Also the mean advantage of every place, −KL(student‖teacher). */
    async aboutAdvantages(batch: MicroBatch, common: Common): Promise<TokenScores> {
      const held: tf.Tensor[] = [];
      try {
        const scored = await forStates(batch);
        held.push(scored.states);
        const sequences = batch.completions.map(({ prompt, tokens }) => ({ prompt, completion: tokens }));
        const states = tf.tidy(() => policy.completionStates(sequences, { features }));
        held.push(states);
        const compared = divergenceThroughHead(states, {
          ...common,
          divergence: { kind: "reverse-kl" },
          teacher: scored,
        });
        held.push(compared.loss);
        const { values, teacherLogProbs } = await compared.readTokens();
        return { teacherLogProbs: teacherLogProbs!, baseline: values.map((value) => -value) };
      } finally {
        tf.dispose(held);
      }
    },
  };
}

/** The teacher's context for each completion, ids copied and checked. */
export function teacherContexts({
  policy,
  processor,
  completions,
  teacherPrompts,
  settings,
}: LossParts): ScoredSequence[] {
  return pairContexts(
    completions.map(({ rollout }) => rollout!),
    teacherPrompts,
    {
      placeholderTokenIds: processor.placeholderTokenIds,
      contextLength: policy.contextLength,
      assistantPrefix: findAssistantPrefix(processor),
      pictures: settings.pictures,
    },
  );
}
