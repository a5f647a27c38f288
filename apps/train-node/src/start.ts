import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  createSceneSource,
  formatDuration,
  interruptSignal,
  type OpenedBackend,
  openBackend,
  runProgram,
} from "@imagine-opd/command-line";
import {
  formatEvaluations,
  formatSampleLine,
  type ReportComparison,
  type ReportDistance,
  type ReportEvaluation,
} from "@imagine-opd/run-log";
import { type Arm, distanceScenes, experimentScenes, formNames, openArm, type Stopped } from "./experiment/arm.ts";
import { collectSamples } from "./experiment/collect-samples.ts";
import { formatGaps, formatTable } from "./experiment/format-table.ts";
import { describeExperiment } from "./experiment/statements.ts";
import { writeScenes } from "./experiment/write-scenes.ts";
import type { SceneMeasurement } from "./scenes/measure-scenes.ts";
import { type StartOptions, startCommand, stepsOf } from "./start-options.ts";
import { writeReport } from "./write-report.ts";

const say = (text: string) => process.stderr.write(`${text}\n`);

type Measured = SceneMeasurement & ReportEvaluation;

/** Names the file of training scenes for so many steps. */
function nameTrainingScenes(options: StartOptions, steps: number, directory: string): string {
  const file = join(directory, `training-scenes-${steps}.json`);
  writeFileSync(file, `${JSON.stringify(experimentScenes(options).train(32 * steps), null, 2)}\n`);
  return file;
}

/** The paper's own form of the objective from the same base model, for the report's comparison. */
async function runPaperForm(
  options: StartOptions,
  out: string,
  backend: OpenedBackend,
  signal: AbortSignal,
): Promise<{ after: Measured; distance: number; collapse: Stopped | undefined }> {
  const steps = options.paperSteps;
  say(`the paper's own form of the objective, ${steps} steps`);
  const settings = { objective: "paper", steps, out: join(out, "paper-form") } as const;
  const arm = await openArm(options, settings, nameTrainingScenes(options, steps, out), backend, signal);
  try {
    const collapse = await arm.train();
    const after = await arm.measure("student after the paper's form", arm.heldOut, "imagine");
    return { after: { ...after, label: "paper's form, after" }, distance: await arm.distance(), collapse };
  } finally {
    arm.dispose();
  }
}

interface Findings {
  readonly evaluations: readonly Measured[];
  readonly distance: ReportDistance;
  readonly collapse: Stopped | undefined;
}

/** Measures, trains, measures again. */
async function runMainArm(options: StartOptions, arm: Arm): Promise<Findings> {
  const large = createSceneSource(experimentScenes(options).large, arm.run.record.crop);
  const measure = async (
    label: string,
    source: Arm["heldOut"],
    mode: "imagine" | "oracle",
    role?: ReportEvaluation["role"],
  ): Promise<Measured> => ({ ...(await arm.measure(label, source, mode)), label, ...(role && { role }) });
  const before = await measure("student before", arm.heldOut, "imagine", "before");
  const teacher = await measure("teacher with views", arm.heldOut, "oracle", "teacher");
  const largeBefore = await measure("large signs before", large, "imagine");
  const distanceBefore = await arm.distance();
  const collapse = await arm.train();
  const after = await measure("student after", arm.heldOut, "imagine", "after");
  const largeAfter = await measure("large signs after", large, "imagine");
  return {
    evaluations: [before, after, teacher, largeBefore, largeAfter],
    distance: {
      before: distanceBefore,
      after: await arm.distance(),
      per: "completion",
      measuredOn: `${Math.min(distanceScenes, options.evaluate)} held-out scenes, the student's own completions at temperature 1`,
    },
    collapse,
  };
}

/** Every question of every evaluation, so that anyone can count again. */
async function storeSamples(arm: Arm, evaluations: readonly Measured[]): Promise<void> {
  const lines = evaluations.flatMap(({ label, samples, evidence }) =>
    samples.map(({ id, question, reference, text, answer, correct, tokenIds, category }, i) =>
      formatSampleLine({
        evaluation: label,
        recordId: id,
        question,
        reference,
        text,
        ...(answer !== undefined && { answer }),
        ...(category !== undefined && { category }),
        correct,
        tokens: tokenIds.length,
        located: evidence[i]!.located,
        evidence: evidence[i]!.seen,
      }),
    ),
  );
  await arm.run.directory.writeText("samples.jsonl", `${lines.join("\n")}\n`);
  await arm.run.directory.writeText("evaluations.json", formatEvaluations(evaluations));
}

const paperComparison = {
  title: "The paper's own form beside the default",
  note: "The same base model, scenes and teacher. The paper samples one token at each place and uses its log-ratio as an advantage; the default compares whole distributions. The paper's rate of 1e-6 is for 4 billion parameters; here both rates are scaled.",
};

const controlTitles = {
  shuffled: "the teacher saw the views of other scenes",
  blank: "the teacher saw grey views",
  none: "the teacher saw no views",
  live: "the teacher saw the views, and changed with the student",
} as const;

async function start(options: StartOptions): Promise<void> {
  const started = performance.now();
  const signal = interruptSignal("stopping; a checkpoint will be saved");
  const backend = await openBackend(options.backend);
  say(`backend ${backend.name} (chosen ${backend.chosen})`);
  const { control } = options;
  const steps = stepsOf(options);
  const out = options.out ?? join("runs", `start-${new Date().toISOString().replace(/[:.]/g, "-")}`);
  mkdirSync(out, { recursive: true });
  const data = nameTrainingScenes(options, steps, out);
  const arm = await openArm(options, { objective: "reverse-kl", control, steps, out }, data, backend, signal);
  try {
    const { evaluations, distance, collapse } = await runMainArm(options, arm);
    const [before, after] = evaluations as [Measured, Measured];
    await storeSamples(arm, evaluations);
    rmSync(join(out, "scenes"), { recursive: true, force: true });
    const scene = await writeScenes(join(out, "scenes"), arm.heldOut, 24);
    const templates = arm.run.record.settings.templates!;
    const samples = await collectSamples(
      { model: arm.run.model, teacher: arm.teacher, templates },
      arm.heldOut,
      before.samples,
      after.samples,
    );
    const title =
      control === undefined ? "A small model learns to see small signs" : `Control: ${controlTitles[control]}`;
    const gaps = formatGaps(evaluations, distance);
    const report = (comparisons: readonly ReportComparison[], warnings: readonly string[]) =>
      writeReport(arm.run.directory, arm.run.record, {
        title,
        summary: `${steps} steps of on-policy self-distillation; ${gaps.trim()}.`,
        warnings,
        statements: describeExperiment(options.model),
        evaluations,
        distance,
        comparisons,
        samples,
      });
    const warnings = collapse === undefined ? [] : [collapse.advice];
    // Whole before the paper's form begins, which takes minutes and may be interrupted.
    let reportPath = await report([], warnings);
    process.stdout.write(`\n${title}\n\n${formatTable(evaluations)}\n${gaps}`);
    if (control === undefined && options.paperSteps > 0) {
      const paper = await runPaperForm(options, out, backend, signal);
      if (paper.collapse !== undefined) warnings.push(`The paper's form: ${paper.collapse.advice}`);
      const ours = { name: formNames["reverse-kl"], before, after, distance, steps };
      const papers = {
        name: formNames.paper,
        before,
        after: paper.after,
        distance: { before: distance.before, after: paper.distance },
        steps: options.paperSteps,
      };
      reportPath = await report([{ ...paperComparison, runs: [ours, papers] }], warnings);
      const accuracy = (100 * paper.after.accuracy).toFixed(1);
      process.stdout.write(`${papers.name}, ${papers.steps} steps: ${accuracy} %\n`);
    }
    for (const { about, text } of describeExperiment(options.model).slice(0, 2))
      process.stdout.write(`${about}: ${text}\n`);
    const weights = collapse?.checkpoint ?? arm.run.directory.finalPath;
    if (collapse !== undefined) process.stdout.write(`${collapse.advice}\n`);
    process.stdout.write(`\nreport      ${reportPath}\ncheckpoint  ${weights}\n`);
    process.stdout.write(
      `ask it      npm run ask -- --model ${weights} --image ${scene.image} --question "${scene.question}"\n`,
    );
    say(`done in ${formatDuration((performance.now() - started) / 1000)}`);
  } finally {
    arm.dispose();
  }
}

await runProgram(startCommand().action(start));
