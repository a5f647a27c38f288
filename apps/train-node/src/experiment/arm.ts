import {
  createProgress,
  createSceneSource,
  type OpenedBackend,
  type SceneSet,
  type SceneSource,
} from "@imagine-opd/command-line";
import type { EvaluationMode } from "@imagine-opd/evaluation";
import { createTeacher, type Teacher } from "@imagine-opd/privileged-teacher";
import { adviseOn } from "../collapse-advice.ts";
import { followTraining } from "../follow-training.ts";
import { openTraining, type TrainingRun } from "../run-training.ts";
import { maxCompletion, measureScenes, type SceneMeasurement } from "../scenes/measure-scenes.ts";
import { firstTrainingScene, largeGlyph, smallGlyph } from "../scenes/sign-scenes.ts";
import type { StartOptions } from "../start-options.ts";
import { type TrainProgramOptions, trainCommand } from "../train-options.ts";
import { measureDistance } from "./measure-distance.ts";

/** How one training of the experiment differs from the others. */
export interface ArmSettings {
  readonly objective: "reverse-kl" | "paper";
  readonly control?: StartOptions["control"];
  readonly steps: number;
  readonly out: string;
}

const rates = { "reverse-kl": "1e-3", paper: "1e-4" } as const;

/** The forms of the objective, in words. */
export const formNames = {
  "reverse-kl": `reverse KL, all ids, rate ${rates["reverse-kl"]} falling to 0`,
  paper: `sampled log-ratio, rate ${rates.paper}`,
} as const;

/** What each form changes of the paper's recipe, which is for a model 6 000 times as large. */
function changesOf({ objective, control, steps }: ArmSettings): string[] {
  const warmup = `warmup=${Math.min(20, Math.floor(steps / 5))}`;
  const form = objective === "paper" ? [] : ["divergence=reverse-kl", `cosineSteps=${steps}`];
  const teacher = control === "live" ? ["teacher=live"] : [];
  return [...form, `lr=${rates[objective]}`, warmup, "reveal=views", `maxTokens=${maxCompletion}`, ...teacher];
}

/** Scenes on which the divergence to the teacher is measured. */
export const distanceScenes = 256;

/** The scenes of the experiment; those of training, of validation and those held out never meet. */
export function experimentScenes({ family, seed, evaluate }: StartOptions) {
  const small: [number, number] = [smallGlyph, smallGlyph];
  const large: [number, number] = [largeGlyph, largeGlyph];
  // Of both sizes: trained on small signs alone, the model forgets large ones.
  const both: [number, number] = [smallGlyph, largeGlyph];
  const train = { seed, family, split: "train", glyphScale: both, first: firstTrainingScene } as const;
  return {
    train: (count: number): SceneSet => ({ ...train, count }),
    heldOut: { seed, family, split: "held-out", glyphScale: small, count: evaluate } as const,
    large: { seed, family, split: "held-out", glyphScale: large, count: Math.ceil(evaluate / 2) } as const,
  };
}

function trainingOptions(start: StartOptions, arm: ArmSettings, data: string): TrainProgramOptions {
  const { control, steps, out } = arm;
  return {
    ...trainCommand().opts<TrainProgramOptions>(), // the training program's defaults
    model: start.model,
    data,
    format: "scenes",
    out,
    deviate: changesOf(arm),
    ...(control !== undefined && control !== "live" && { control }),
    steps,
    seed: start.seed,
    microBatch: 32,
    saveEvery: 100,
    backend: start.backend,
  };
}

/** A training that collapsed and was stopped. */
export interface Stopped {
  readonly advice: string;
  /** Where its weights were saved. */
  readonly checkpoint: string;
}

/** One training from the base model, with what is measured before and after it. */
export interface Arm {
  readonly run: TrainingRun;
  /** The base model as it stood before training, to which distances are measured. */
  readonly teacher: Teacher;
  readonly heldOut: SceneSource;
  measure(label: string, source: SceneSource, mode: EvaluationMode): Promise<SceneMeasurement>;
  distance(): Promise<number>;
  train(): Promise<Stopped | undefined>;
  dispose(): void;
}

/** Opens one training of the experiment. `data` is the file that names its scenes. */
export async function openArm(
  start: StartOptions,
  settings: ArmSettings,
  data: string,
  backend: OpenedBackend,
  signal: AbortSignal,
): Promise<Arm> {
  const run = await openTraining(trainingOptions(start, settings, data), backend);
  const { model } = run;
  const teacher = createTeacher(model.policy, { kind: "frozen", from: "snapshot" });
  const { crop, settings: trained } = run.record;
  const heldOut = createSceneSource(experimentScenes(start).heldOut, crop);
  return {
    run,
    teacher,
    heldOut,
    async measure(label, source, mode) {
      const progress = createProgress(label, source.size);
      try {
        return await measureScenes(model, source, {
          mode,
          templates: trained.templates!,
          signal,
          onProgress: (done) => progress.update(done),
        });
      } finally {
        progress.stop();
      }
    },
    distance: () => measureDistance(model, teacher, heldOut, { count: distanceScenes, settings: trained, signal }),
    async train() {
      const collapse = await followTraining(run, signal);
      if (collapse === undefined) return undefined;
      const { record, directory } = run;
      return {
        advice: adviseOn(collapse, record.teacher.kind),
        checkpoint: directory.checkpointPath(collapse.step),
      };
    },
    dispose() {
      teacher.dispose();
      run.dispose();
    },
  };
}
