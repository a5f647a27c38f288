import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { OpenedBackend, OpenedDataSet } from "@imagine-opd/command-line";
import { fingerprintTemplates, promptTemplates } from "@imagine-opd/imagination-prompts";
import { ImagineOpdError } from "@imagine-opd/protocol";
import type { CropOptions } from "@imagine-opd/region-cropper";
import type { Deviation, Preset, TrainSettings } from "@imagine-opd/trainer";
import type { VisionLanguageModel } from "@imagine-opd/vision-language-model";
import * as tf from "@tensorflow/tfjs-core";
import type { Tuning } from "./choose-tuning.ts";
import { operationalOptions, type TrainProgramOptions } from "./train-options.ts";

/** Everything that decides a run: `config.json`. Its `options` alone run it again. */
export interface RunRecord {
  readonly options: TrainProgramOptions;
  readonly tuning: Tuning;
  readonly deviations: readonly Deviation[];
  readonly settings: TrainSettings;
  readonly teacher: Preset["teacher"];
  readonly crop: CropOptions;
  readonly backend: OpenedBackend;
  readonly model: { readonly family: string; readonly parameters: number; readonly trainableTensors: number };
  readonly data: { readonly records: number; readonly fingerprint: string; readonly report: unknown };
  readonly fingerprints: {
    readonly processor: string;
    readonly prompts: string;
    /** Of the weight files that `options.model` held at the start. */
    readonly weights: string;
  };
  readonly versions: { readonly node: string; readonly tfjs: string };
}

type Chosen = Pick<RunRecord, "options" | "tuning" | "deviations" | "settings" | "teacher" | "crop" | "backend"> & {
  readonly weights: string;
};

/** Joins what was chosen with what the opened model and data are. */
export function describeRun(
  parts: Chosen & { readonly model: VisionLanguageModel; readonly data: OpenedDataSet },
): RunRecord {
  const { model, data, weights, ...rest } = parts;
  return {
    ...rest,
    model: {
      family: model.config.family,
      parameters: model.parameterCount,
      trainableTensors: Object.keys(model.policy.trainable).length,
    },
    data: { records: data.source.size, fingerprint: data.source.fingerprint, report: data.report },
    fingerprints: {
      processor: model.processor.fingerprint,
      prompts: fingerprintTemplates(rest.settings.templates ?? promptTemplates),
      weights,
    },
    versions: { node: process.version, tfjs: tf.version_core },
  };
}

const readRecord = (directory: string) => JSON.parse(readFileSync(join(directory, "config.json"), "utf8")) as RunRecord;

function refuseResume(problem: string, remedy: string): never {
  throw new ImagineOpdError("mismatch", { where: "train-node", problem, remedy });
}

/** Refuses to resume a run with other options than it began with. */
export function checkResumed(directory: string, options: TrainProgramOptions): void {
  const { options: earlier } = readRecord(directory);
  const changed = Object.keys({ ...earlier, ...options }).filter((name) => {
    const key = name as keyof TrainProgramOptions;
    return !operationalOptions.includes(name) && JSON.stringify(earlier[key]) !== JSON.stringify(options[key]);
  });
  if (changed.length === 0) return;
  const values = changed.map((name) => `${name} (${JSON.stringify(earlier[name as keyof TrainProgramOptions])})`);
  refuseResume(
    `the run in ${directory} began with other values of ${values.join(", ")}.`,
    "Resume with the same options (its config.json holds them), or start a new run.",
  );
}

/** Refuses to put a run's adapters on other weights than those they were trained on. */
export function checkResumedBase(directory: string, { options, fingerprints }: RunRecord): void {
  if (readRecord(directory).fingerprints.weights === fingerprints.weights) return;
  refuseResume(
    `the adapters in ${directory} were trained on other weights than those in ${options.model}.`,
    "Pass the --model that the run began with.",
  );
}
