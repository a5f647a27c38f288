import { existsSync } from "node:fs";
import { join } from "node:path";
import {
  addConfigOption,
  type BackendName,
  backendNames,
  createProgress,
  formatDuration,
  integer,
  interruptSignal,
  openBackend,
  openDataSet,
  runProgram,
} from "@imagine-opd/command-line";
import { type EvaluationMode, type EvaluationReport, streamEvaluation } from "@imagine-opd/evaluation";
import { writeDirectory } from "@imagine-opd/host/node";
import type { ExampleSource } from "@imagine-opd/protocol";
import { Command, Option } from "commander";
import { followTraining } from "./follow-training.ts";
import { openTraining, type TrainingRun } from "./run-training.ts";
import { makeSceneData } from "./scenes/scene-data.ts";
import { writeTinyCheckpoint } from "./tiny-model/write-tiny-checkpoint.ts";
import { type TrainProgramOptions, trainCommand } from "./train-options.ts";
import { writeReport } from "./write-report.ts";

interface StartOptions {
  readonly steps: number;
  readonly seed: number;
  readonly scenes: number;
  readonly evaluate: number;
  readonly dataDir: string;
  readonly out?: string;
  readonly backend: BackendName;
}

const maxTokens = 24;
const say = (text: string) => process.stderr.write(`${text}\n`);

/** What the main job changes of the paper's recipe, each declared: it is sized for two processor cores. */
const deviations = ["batchSize=8", `maxTokens=${maxTokens}`, "lr=1e-4"];

async function makeCheckpoint(parent: string, seed: number): Promise<string> {
  const path = join(parent, `tiny-random-seed${seed}`);
  if (!existsSync(path)) await writeDirectory(path, (sink) => writeTinyCheckpoint(sink, { seed }));
  return path;
}

async function measure(
  label: string,
  run: TrainingRun,
  source: ExampleSource,
  mode: EvaluationMode,
  signal: AbortSignal,
): Promise<{ label: string } & EvaluationReport> {
  const { policy, processor } = run.model;
  const progress = createProgress(label, source.size);
  try {
    for await (const event of streamEvaluation(policy, processor, source, {
      mode,
      maxTokens,
      seed: 0,
      signal,
      batchSize: 16,
    })) {
      if (event.type === "sample-graded") progress.update(event.done);
      else return { label, ...event.report };
    }
  } finally {
    progress.stop();
  }
  throw new Error("the evaluation ended without a report");
}

function printTable(rows: readonly ({ label: string } & EvaluationReport)[]): void {
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  const cells = rows.map(({ label, accuracy, interval, unparsableRate, meanTokens, total }) => [
    label,
    percent(accuracy),
    `${percent(interval.low)} … ${percent(interval.high)}`,
    percent(unparsableRate),
    meanTokens.toFixed(1),
    String(total),
  ]);
  const table = [["", "accuracy", "95 % interval", "unparsable", "tokens", "scenes"], ...cells];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  for (const row of table)
    process.stdout.write(
      `${row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join("   ")}\n`,
    );
}

async function start(options: StartOptions): Promise<void> {
  const started = performance.now();
  const signal = interruptSignal("stopping; a checkpoint will be saved");
  const backend = await openBackend(options.backend);
  say("making scenes and a random checkpoint (both are reused next time)");
  const scenes = await makeSceneData(
    options.dataDir,
    { train: options.scenes, heldOut: options.evaluate },
    options.seed,
  );
  const model = await makeCheckpoint(options.dataDir, options.seed);
  const out = options.out ?? join("runs", `start-${new Date().toISOString().replace(/[:.]/g, "-")}`);
  const training = trainCommand().opts<TrainProgramOptions>(); // the training program's defaults
  const run = await openTraining(
    {
      ...training,
      model,
      data: scenes.train,
      images: scenes.images,
      out,
      deviate: deviations,
      steps: options.steps,
      seed: options.seed,
      backend: options.backend,
      microBatch: 8,
    },
    backend,
  );
  try {
    const { source } = await openDataSet(scenes.heldOut, {
      format: "visual-cot",
      images: scenes.images,
      onBadRecord: "fail",
      crop: run.record.crop,
    });
    const before = await measure("student before", run, source, "imagine", signal);
    const teacher = await measure("with the true view", run, source, "oracle", signal);
    await followTraining(run, signal);
    const after = await measure("student after", run, source, "imagine", signal);
    const evaluations = [before, teacher, after];
    const summary =
      "The model started from random weights and answers nothing yet: this run shows that the whole path works, not that anything was learned.";
    const report = await writeReport(run.directory, run.record, { summary, evaluations });
    process.stdout.write("\n");
    printTable(evaluations);
    process.stdout.write(`\n${summary}\nreport      ${report}\ncheckpoint  ${run.directory.finalPath}\n`);
    say(`done in ${formatDuration((performance.now() - started) / 1000)}`);
  } finally {
    run.dispose();
  }
}

const program = addConfigOption(
  new Command("start")
    .description("The main job: trains a tiny model on procedural scenes and evaluates it before and after.")
    .option("--steps <n>", "optimiser steps", integer(1), 20)
    .option("--seed <n>", "decides scenes, weights, order and every sampled token", integer(0), 0)
    .option("--scenes <n>", "training scenes", integer(8), 160)
    .option("--evaluate <n>", "held-out scenes for each evaluation", integer(1), 64)
    .option("--data-dir <dir>", "where scenes and the checkpoint are kept", "data")
    .option("--out <dir>", "directory of this run (default: a new one under runs/)")
    .addOption(new Option("--backend <name>", "what computes").choices([...backendNames]).default("auto")),
).action(start);

await runProgram(program);
