import { promptTemplates } from "@imagine-opd/imagination-prompts";
import { createAdamW } from "@imagine-opd/optim";
import { createTeacher, studentPrompt, teacherPrompt } from "@imagine-opd/privileged-teacher";
import type { EncodedPrompt } from "@imagine-opd/protocol";
import { getPreset, type StepResult, trainStep } from "@imagine-opd/trainer";
import type { VisionLanguageModel } from "@imagine-opd/vision-language-model";
import { sceneExamples } from "./tiny-batch.ts";

/** Imagine-OPD on the tiny model, one step at a time. */
export interface TinyStep {
  readonly batchSize: number;
  readonly newTokens: number;
  readonly students: readonly EncodedPrompt[];
  readonly teachers: readonly EncodedPrompt[];
  /** Step `number`, from 1. */
  run(number: number): Promise<StepResult>;
  dispose(): void;
}

/** Without system turns: the prompts are about as short as in the reference figures. */
const silent = { id: "none", version: 1, text: "" };
const templates = { ...promptTemplates, student: silent, teacherViewsAnswer: silent };

/** 32 prompts, rollouts of 23 tokens, the frozen teacher's scores, one update of all weights. */
export function createTinyStep({ policy, processor }: VisionLanguageModel): TinyStep {
  const [batchSize, newTokens] = [32, 23];
  const { settings: preset, teacher: kind } = getPreset("imagine-opd");
  const examples = sceneExamples(batchSize, processor.imageSettings.tileSize);
  const settings = {
    ...preset,
    templates,
    sampling: { ...preset.sampling, maxTokens: newTokens },
    microBatchSize: batchSize,
    seed: 0,
  };
  const teacher = createTeacher(policy, kind);
  const optimizer = createAdamW(policy.trainable, { weightDecay: 0.01 });
  // Without stop tokens every rollout has exactly as many tokens.
  const endless = { ...processor, stopTokenIds: [] };
  return {
    batchSize,
    newTokens,
    students: examples.map((example) =>
      studentPrompt(processor, example, { imagination: settings.imagination, templates }),
    ),
    teachers: examples.map((example) => teacherPrompt(processor, example, { reveal: settings.reveal, templates })),
    run: (number) =>
      trainStep({ policy, processor: endless, teacher, optimizer }, examples, settings, { step: number }),
    dispose() {
      optimizer.dispose();
      teacher.dispose();
    },
  };
}
