import { chooseCrop } from "@imagine-opd/command-line";
import { crossEntropyThroughHead, type DistillationResult } from "@imagine-opd/distillation-loss";
import { addGradients, clipScale, createAdamW, globalNorm } from "@imagine-opd/optim";
import { throwIfAborted } from "@imagine-opd/protocol";
import { randomStream } from "@imagine-opd/random-streams";
import { generateScene } from "@imagine-opd/region-datasets";
import type { VisionLanguageModel } from "@imagine-opd/vision-language-model";
import * as tf from "@tensorflow/tfjs-core";
import { firstTrainingScene } from "../scenes/sign-scenes.ts";
import { type Part, type Stage, untilWindow } from "./curriculum.ts";
import { type EncodedExercise, encodeExercise } from "./exercise.ts";
import { lessonScenes, lessons } from "./lessons.ts";

const rampSteps = 50;
const maxGradientNorm = 1;

export interface WarmUpEvent {
  readonly stage: string;
  /** From 1, over all phases. */
  readonly step: number;
  readonly endsStage: boolean;
  /** Mean loss of each lesson of the step, nats a token. */
  readonly losses: Readonly<Record<string, number>>;
}

function makeExercises(
  { lesson, count }: Part,
  model: VisionLanguageModel,
  seed: number,
  step: number,
): EncodedExercise[] {
  const stream = randomStream(seed, "warm-up", step, lesson);
  const crop = chooseCrop({}, model);
  const exercises: EncodedExercise[] = [];
  while (exercises.length < count) {
    const scene = generateScene(seed, stream.integer(firstTrainingScene), lessonScenes[lesson]);
    const exercise = lessons[lesson](scene, stream, crop);
    if (exercise !== undefined) exercises.push(encodeExercise(exercise, model.processor));
  }
  return exercises;
}

/** Rises over the first steps of each stage, then falls in a straight line to the stage's last rate. */
export function learningRateOf({ steps, learningRate, lastLearningRate = learningRate }: Stage, step: number): number {
  const rate = learningRate + (lastLearningRate - learningRate) * (step / steps);
  return rate * Math.min(1, (step + 1) / rampSteps);
}

/** Tells from the losses of each step whether a stage's lesson is learned. */
export function createStageEnd({ until }: Stage): (losses: Readonly<Record<string, number>>) => boolean {
  const last: number[] = [];
  return (losses) => {
    const loss = until && losses[until.lesson];
    if (until === undefined || loss === undefined) return false;
    last.push(loss);
    if (last.length > untilWindow) last.shift();
    return last.length === untilWindow && last.reduce((sum, value) => sum + value, 0) / untilWindow < until.loss;
  };
}

/** Loss and gradients of one part. */
function learnPart(model: VisionLanguageModel, part: Part, exercises: readonly EncodedExercise[]) {
  const { policy } = model;
  const tokens = Int32Array.from(exercises.flatMap(({ completion }) => Array.from(completion)));
  const tokenWeights = Float32Array.from(exercises.flatMap(({ weights }) => Array.from(weights)));
  const normalizer = tokenWeights.reduce((sum, weight) => sum + weight, 0) / part.weight;
  let result: DistillationResult | undefined;
  const { value, grads } = tf.variableGrads(() => {
    const states = policy.completionStates(exercises);
    result = crossEntropyThroughHead(states, {
      head: policy.head,
      trainable: policy.trainable,
      tokens,
      tokenWeights,
      normalizer,
    });
    return result.loss;
  }, Object.values(policy.trainable));
  result!.dispose();
  const names = Object.keys(policy.trainable);
  // Exercises without a picture do not reach the vision tower.
  const gradientOf = (variable: tf.Variable): tf.Tensor => grads[variable.name] ?? tf.zerosLike(variable);
  const gradients = Object.fromEntries(names.map((name) => [name, gradientOf(policy.trainable[name]!)]));
  return { loss: value, gradients };
}

async function learnStep(model: VisionLanguageModel, parts: readonly Part[], seed: number, step: number) {
  let total: Record<string, tf.Tensor> | undefined;
  const losses: Record<string, number> = {};
  for (const part of parts) {
    const { loss, gradients } = learnPart(model, part, makeExercises(part, model, seed, step));
    losses[part.lesson] = (await loss.data())[0]! / part.weight;
    loss.dispose();
    if (total === undefined) total = gradients;
    else {
      const sum = addGradients(total, gradients);
      tf.dispose([...Object.values(total), ...Object.values(gradients)]);
      total = sum;
    }
  }
  return { gradients: total!, losses };
}

export interface WarmUpOptions {
  readonly seed: number;
  /** Steps of earlier phases. @default 0 */
  readonly stepsBefore?: number;
  readonly signal?: AbortSignal;
}

/** One phase of teaching a model to read signs. Weights change in place; between two events the caller may evaluate. */
export async function* warmUpModel(
  model: VisionLanguageModel,
  stages: readonly Stage[],
  { seed, stepsBefore = 0, signal }: WarmUpOptions,
): AsyncGenerator<WarmUpEvent, void, undefined> {
  const optimizer = createAdamW(model.policy.trainable, { betas: [0.9, 0.98], weightDecay: 0.01 });
  let step = stepsBefore;
  try {
    for (const stage of stages) {
      const isLearned = createStageEnd(stage);
      for (let inStage = 0, ended = false; !ended; inStage++) {
        throwIfAborted(signal, "train-node.warmUpModel");
        step += 1;
        const { gradients, losses } = await learnStep(model, stage.parts(inStage), seed, step);
        const gradientScale = clipScale(await globalNorm(gradients), maxGradientNorm);
        const learningRate = learningRateOf(stage, inStage);
        optimizer.step(gradients, { learningRate, gradientScale });
        tf.dispose(Object.values(gradients));
        ended = isLearned(losses) || inStage + 1 === stage.steps;
        yield { stage: stage.name, step, endsStage: ended, losses };
      }
    }
  } finally {
    optimizer.dispose();
  }
}
