import {
  chooseCrop,
  copyCheckpointPrompts,
  createControlledSource,
  type OpenedBackend,
  type OpenedDataSet,
  openCheckpointDirectory,
  openDataSet,
  promptsFile,
  readCheckpointPrompts,
} from "@imagine-opd/command-line";
import { gradeAnswer } from "@imagine-opd/evaluation";
import { type LineLog, openDirectory, writeDirectory } from "@imagine-opd/host/node";
import { parseAnswer } from "@imagine-opd/imagination-prompts";
import { createTeacher, type TeacherKind } from "@imagine-opd/privileged-teacher";
import { type FileSink, isImagineOpdError } from "@imagine-opd/protocol";
import { createRunLog, encodeEventFileStart, encodeStepEvent } from "@imagine-opd/run-log";
import {
  createTrainer,
  type Deviation,
  deviate,
  type Grader,
  getPreset,
  loadTrainerState,
  saveTrainerState,
  type TrainEvent,
  type Trainer,
  type TrainSettings,
  train,
} from "@imagine-opd/trainer";
import { saveAdapter, saveCheckpoint, type VisionLanguageModel } from "@imagine-opd/vision-language-model";
import { chooseTeacher, chooseTuning, type Tuning, toTrainable } from "./choose-tuning.ts";
import { fingerprintWeights } from "./fingerprint-weights.ts";
import { openRunDirectory, type RunDirectory } from "./run-directory.ts";
import { checkResumed, checkResumedBase, describeRun, type RunRecord } from "./run-record.ts";
import type { TrainProgramOptions } from "./train-options.ts";

export interface TrainingRun {
  readonly record: RunRecord;
  readonly directory: RunDirectory;
  readonly model: VisionLanguageModel;
  readonly data: OpenedDataSet;
  /** Steps done before this start. */
  readonly firstStep: number;
  readonly totalSteps: number;
  /** Trains, logs and saves; every event has been stored when it comes out. Saves a checkpoint when it is aborted. */
  events(signal: AbortSignal): AsyncGenerator<TrainEvent, void, undefined>;
  dispose(): void;
}

const gradeText: Grader = (text, { answer }) =>
  answer === undefined ? { correct: false, parsed: false } : gradeAnswer(parseAnswer(text).answer, { text: answer });

/** Weights of a resumed run come from its checkpoint; with adapters the base stays where it was. */
function openRunModel(
  options: TrainProgramOptions,
  tuning: Tuning,
  resumeFrom: RunDirectory["resumeFrom"],
): Promise<VisionLanguageModel> {
  const lora = tuning.kind === "lora";
  return openCheckpointDirectory(resumeFrom !== undefined && !lora ? resumeFrom.path : options.model, {
    trainable: toTrainable(tuning, options.seed, resumeFrom === undefined ? "new" : "resumed"),
    recompute: options.recompute,
    ...(options.imageSplitting && { imageSplitting: options.imageSplitting }),
    ...(resumeFrom !== undefined && lora && { adapter: resumeFrom.path }),
  });
}

interface ChosenRun {
  readonly settings: TrainSettings;
  readonly teacher: TeacherKind;
  readonly tuning: Tuning;
  /** Declared differences from the preset, and what this implementation does otherwise. */
  readonly deviations: readonly Deviation[];
}

const describeControl = (control: TrainProgramOptions["control"]): Deviation[] =>
  control === undefined || control === "none" ? [] : [{ field: "views", preset: "the record's own", value: control }];

function chooseRun(options: TrainProgramOptions): ChosenRun {
  const published = getPreset(options.preset);
  const { control } = options;
  const { preset, deviations } = deviate(published, [
    ...options.deviate,
    ...(control === "none" ? ["reveal=none"] : []),
  ]);
  const { tuning, deviations: tuningDeviations } = chooseTuning(options, published.tuning);
  return {
    settings: {
      ...preset.settings,
      templates: readCheckpointPrompts(options.model),
      seed: options.seed,
      microBatchSize: options.microBatch,
    },
    teacher: preset.teacher,
    tuning,
    deviations: [...deviations, ...tuningDeviations, ...describeControl(control)],
  };
}

async function saveWeights(
  model: VisionLanguageModel,
  sink: FileSink,
  options: TrainProgramOptions,
  dtype: "F32" | "BF16",
): Promise<void> {
  if (model.adapter !== undefined) return saveAdapter(model, sink, { baseModel: options.model, dtype });
  await saveCheckpoint(model, sink, { dtype });
  const prompts = copyCheckpointPrompts(options.model);
  if (prompts !== undefined) await sink.write(promptsFile, prompts);
}

/** Opens everything that a run needs and writes its `config.json`. */
export async function openTraining(options: TrainProgramOptions, backend: OpenedBackend): Promise<TrainingRun> {
  const { settings, teacher: asked, tuning, deviations } = chooseRun(options);
  if (options.resume) checkResumed(options.out, options);
  const directory = openRunDirectory(options.out, options.resume ? "resume" : "new");
  const model = await openRunModel(options, tuning, directory.resumeFrom);
  const crop = chooseCrop(options, model);
  const data = await openDataSet(options.data, {
    format: options.format,
    images: options.images,
    onBadRecord: options.badRecords,
    crop,
  });
  const { control } = options;
  const source =
    control === undefined || control === "none"
      ? data.source
      : createControlledSource(data.source, control, options.seed);
  const { kind, adapted } = chooseTeacher(asked, model);
  const teacher = createTeacher(model.policy, kind, { adapted });
  const trainer = createTrainer({
    policy: model.policy,
    processor: model.processor,
    teacher,
    examples: source,
    settings,
    grade: gradeText,
  });
  if (directory.resumeFrom !== undefined)
    trainer.importState(await loadTrainerState(openDirectory(directory.resumeFrom.path)));
  const weights = await fingerprintWeights(options.model);
  const chosen = { options, tuning, deviations, settings, teacher: kind, crop, backend, weights };
  const record = describeRun({ ...chosen, model, data });
  // With all weights trained, a resumed run takes them from its checkpoint.
  if (options.resume && tuning.kind === "lora") checkResumedBase(options.out, record);
  await directory.writeText("config.json", `${JSON.stringify(record, null, 2)}\n`);
  const totalSteps = options.steps ?? trainer.stepsPerEpoch;
  return {
    record,
    directory,
    model,
    data,
    firstStep: trainer.step,
    totalSteps,
    events: (signal) => runAndStore(trainer, totalSteps, directory, model, options, signal),
    dispose() {
      trainer.dispose();
      teacher.dispose();
      model.dispose();
    },
  };
}

async function* runAndStore(
  trainer: Trainer,
  totalSteps: number,
  directory: RunDirectory,
  model: VisionLanguageModel,
  options: TrainProgramOptions,
  signal: AbortSignal,
): AsyncGenerator<TrainEvent, void, undefined> {
  const logs: LineLog[] = [await directory.openLog("metrics.jsonl"), await directory.openLog("rollouts.jsonl")];
  const [metrics, rollouts] = logs as [LineLog, LineLog];
  const log = createRunLog({
    metrics: (line) => metrics.append(line.trimEnd()),
    rollouts: (line) => rollouts.append(line.trimEnd()),
  });
  directory.appendEvents(encodeEventFileStart(Date.now() / 1000));
  let saved = trainer.step;
  const save = async () => {
    if (saved === trainer.step) return;
    await writeDirectory(directory.checkpointPath(trainer.step), async (sink) => {
      await saveWeights(model, sink, options, "F32");
      await saveTrainerState(await trainer.exportState(), sink);
    });
    saved = trainer.step;
  };
  try {
    for await (const event of train(trainer, { totalSteps, signal })) {
      if (event.type === "step-finished") {
        for (const rollout of event.rollouts) await log.logRollout(rollout);
        await log.logStep(event.metrics);
        directory.appendEvents(encodeStepEvent(event.metrics, Date.now() / 1000));
        if (event.step % options.saveEvery === 0) await save();
      }
      if (event.type === "run-finished") {
        await save();
        await writeDirectory(directory.finalPath, (sink) => saveWeights(model, sink, options, options.saveDtype));
      }
      yield event;
    }
  } catch (error) {
    if (isImagineOpdError(error) && error.code === "aborted") await save();
    throw error;
  } finally {
    for (const each of logs) await each.close();
  }
}
