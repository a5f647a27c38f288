import { interruptSignal, openBackend, runProgram } from "@imagine-opd/command-line";
import type { Collapse } from "@imagine-opd/run-log";
import { followTraining } from "./follow-training.ts";
import { openTraining } from "./run-training.ts";
import { type TrainProgramOptions, trainCommand } from "./train-options.ts";
import { writeReport } from "./write-report.ts";

const program = trainCommand().action(async (options: TrainProgramOptions & { config?: string }) => {
  const { config: _, ...chosen } = options;
  const signal = interruptSignal("stopping after this step's work; a checkpoint will be saved");
  const backend = await openBackend(chosen.backend);
  const run = await openTraining(chosen, backend);
  let collapse: Collapse | undefined;
  const report = () =>
    writeReport(run.directory, run.record, { summary: "Curves are from metrics.jsonl, which holds every step." });
  try {
    collapse = await followTraining(run, signal).catch(async (error: unknown) => {
      // A report that fails as well must not hide why the training ended.
      await report().catch((failure: unknown) => process.stderr.write(`no report: ${failure}\n`));
      throw error;
    });
    await report();
  } finally {
    run.dispose();
  }
  if (collapse === undefined) process.stdout.write(`${run.directory.finalPath}\n`);
  else process.exitCode = 1; // stopped early: there are checkpoints, but no final weights
});

await runProgram(program);
