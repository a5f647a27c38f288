import { type AdamW, learningRateAt } from "@imagine-opd/optim";
import type { Teacher } from "@imagine-opd/privileged-teacher";
import { type Example, ImagineOpdError, type Processor } from "@imagine-opd/protocol";
import type { Policy } from "@imagine-opd/protocol/policy";
import type { RolloutEntry, StepMetrics } from "@imagine-opd/run-log";
import * as tf from "@tensorflow/tfjs-core";
import { checkSettings } from "./check-settings.ts";
import { type Completion, collectCompletions } from "./collect-completions.ts";
import { splitCompletions } from "./micro-batches.ts";
import { prepareExamples } from "./prepare-examples.ts";
import type { TrainSettings } from "./settings.ts";
import { createStepLoss } from "./step-loss.ts";
import { describeStep, type Grader, joinTokens, type StepTokens } from "./step-metrics.ts";
import { chooseTeacherPrompts } from "./teacher-prompts.ts";
import { weighCompletions } from "./token-weights.ts";
import { updatePolicy } from "./update-policy.ts";
import { contrastViews } from "./view-contrast.ts";

/** What trains, and with what. */
export interface TrainParts {
  readonly policy: Policy;
  readonly processor: Processor;
  /** Needed by the objective `opd`. */
  readonly teacher?: Teacher;
  readonly optimizer: AdamW;
  /** Grades completions for the log, and for demonstrations. @default accuracy is not logged */
  readonly grade?: Grader;
}

/** What a step did. */
export interface StepResult {
  /** One line of the run's log. */
  readonly metrics: StepMetrics;
  /** One entry a completion, with the teacher's log-probs where they were asked for. */
  readonly rollouts: readonly RolloutEntry[];
  /** False when the gradient was not finite and nothing was changed. */
  readonly applied: boolean;
}

function requireTeacher(teacher: Teacher | undefined, settings: TrainSettings): Teacher | undefined {
  if (settings.objective.kind !== "opd") return undefined;
  if (teacher !== undefined) return teacher;
  throw new ImagineOpdError("invalid-argument", {
    where: "trainer.trainStep",
    problem: 'the objective "opd" needs a teacher, got none.',
    remedy: "Pass createTeacher(policy, kind) of privileged-teacher.",
  });
}

function describeRollouts(
  step: number,
  completions: readonly Completion[],
  texts: readonly string[],
  tokens: StepTokens,
  grade: Grader | undefined,
): RolloutEntry[] {
  let from = 0;
  return completions.map(({ source, tokens: ids, rollout }, i) => {
    const range = [from, from + ids.length] as const;
    from += ids.length;
    const teacherLogProbs = tokens.teacherLogProbs?.slice(...range);
    return {
      step,
      recordId: source.example.id,
      rolloutIndex: rollout?.rolloutIndex ?? 0,
      question: source.example.question,
      text: texts[i]!,
      ...(grade && { correct: grade(texts[i]!, source.example).correct }),
      stopReason: rollout?.stopReason ?? "stop",
      tokenIds: ids,
      logProbs: rollout?.logProbs ?? tokens.studentLogProbs?.slice(...range) ?? new Float32Array(ids.length),
      ...(teacherLogProbs && { teacherLogProbs }),
    };
  });
}

/** How far a teacher that follows the student is behind it. */
async function measureTeacher(teacher: Teacher | undefined): Promise<number | undefined> {
  const follows = teacher?.kind.kind === "ema" || teacher?.kind.kind === "periodic";
  return follows ? teacher.distanceToStudent() : undefined;
}

const secondsSince = (start: number): number => (performance.now() - start) / 1000;

/**
 * One step: completions, the teacher's scores of exactly those tokens, one update. Nothing is changed when the gradient is
 * not finite.
 * @param step number of this step, from 1; part of every random key
 * @throws invalid-data when no example of the batch can be used, or no token counts
 */
export async function trainStep(
  parts: TrainParts,
  examples: readonly Example[],
  settings: TrainSettings,
  { step, signal }: { readonly step: number; readonly signal?: AbortSignal },
): Promise<StepResult> {
  const { policy, processor, optimizer, grade } = parts;
  checkSettings("trainer.trainStep", settings);
  const teacher = requireTeacher(parts.teacher, settings);
  const started = performance.now();
  const batch = prepareExamples(examples, processor, settings);
  if (batch.prepared.length === 0) {
    throw new ImagineOpdError("invalid-data", {
      where: "trainer.trainStep",
      problem: `none of the step's ${examples.length} examples can be used (${batch.dropped.missingPrivilege} without what is to be revealed, ${batch.dropped.longPrompt} with a prompt above ${settings.maxPromptTokens} tokens).`,
      remedy: "Filter the data set, or change missingPrivilege or maxPromptTokens.",
      details: batch.dropped,
    });
  }
  const patches = batch.prepared.flatMap(({ student }) => [...student.patches]);
  const features = policy.encodeImages(patches);
  let teacherFeatures: ReturnType<Policy["encodeImages"]> | undefined;
  try {
    const completions = await collectCompletions(policy, processor, batch.prepared, settings, {
      step,
      features,
      signal,
    });
    const rolloutSeconds = secondsSince(started);
    const texts = completions.map(({ tokens }) => processor.decode(tokens));
    const preparingStarted = performance.now();
    const contexts = teacher && chooseTeacherPrompts(completions, texts, processor, settings, grade);
    const teacherPrompts = contexts?.prompts ?? [];
    if (teacher !== undefined) {
      const teacherPatches = [...new Set(teacherPrompts)].flatMap((prompt) => [...prompt.patches]);
      teacherFeatures = policy.encodeImages(teacherPatches, { weights: teacher.weights });
    }
    const tokenWeights = weighCompletions(completions, settings, contexts?.skipped);
    const models = { policy, processor, features, teacher, teacherFeatures, teacherPrompts };
    const scoring = { ...models, completions, texts, tokenWeights, settings };
    const views = await contrastViews(scoring, grade, signal);
    const loss = createStepLoss({ ...scoring, ...views });
    const preparingSeconds = secondsSince(preparingStarted);
    const learningRate = learningRateAt(step - 1, settings.optimiser.schedule);
    const batches = splitCompletions(completions, settings.microBatchSize);
    const updateStarted = performance.now();
    const update = await updatePolicy(policy, optimizer, batches, loss, {
      learningRate,
      maxGradientNorm: settings.optimiser.maxGradientNorm,
      features,
      signal,
    });
    if (update.applied) teacher?.afterUpdate();
    const updateSeconds = secondsSince(updateStarted) - update.teacherSeconds;
    const teacherDistance = await measureTeacher(teacher);
    const tokens = joinTokens(update.reports);
    const count = completions.reduce((sum, completion) => sum + completion.tokens.length, 0);
    const memory = tf.memory();
    // A completion that a view weight of 0 takes out was read by no loss.
    const weights = tokenWeights.map((weight, i) => (views.viewWeights?.[i] === 0 ? 0 : weight));
    const { informationGain } = views;
    const counted = { ...tokens, weights, ...(informationGain !== undefined && { informationGain }) };
    return {
      applied: update.applied,
      rollouts: describeRollouts(step, completions, texts, tokens, grade),
      metrics: {
        step,
        ...describeStep(batch, completions, texts, counted, teacherPrompts, grade),
        optimiser: {
          loss: update.loss,
          learningRate,
          gradientNorm: update.gradientNorm,
          applied: update.applied ? 1 : 0,
          ...(teacherDistance !== undefined && { teacherDistance }),
        },
        system: {
          seconds: secondsSince(started),
          rolloutSeconds,
          teacherSeconds: update.teacherSeconds + preparingSeconds,
          updateSeconds,
          tokensPerSecond: count / secondsSince(started),
          tensors: memory.numTensors,
          bytes: memory.numBytes,
          peakBytes: update.peakBytes,
        },
      },
    };
  } finally {
    features.dispose();
    teacherFeatures?.dispose();
  }
}
