import { join } from "node:path";
import {
  findAlarms,
  type LoggedStep,
  metricSeries,
  type ReportCurve,
  type RunReport,
  renderReport,
} from "@imagine-opd/run-log";
import type { RunDirectory } from "./run-directory.ts";
import type { RunRecord } from "./run-record.ts";

const curves: readonly { title: string; yLabel: string; series: readonly (readonly [string, string])[] }[] = [
  {
    title: "Signal: student against teacher",
    yLabel: "nats per token",
    series: [
      ["signal.k1TokenMean", "k1, token mean"],
      ["signal.firstToken", "first token"],
    ],
  },
  { title: "Entropy", yLabel: "nats per token", series: [["policy.entropy", "student"]] },
  { title: "Gradient norm", yLabel: "before clipping", series: [["optimiser.gradientNorm", "norm"]] },
  { title: "Completions", yLabel: "tokens", series: [["rollout.lengthMean", "mean length"]] },
  {
    title: "Accuracy of the rollouts",
    yLabel: "share",
    series: [
      ["task.accuracy", "right"],
      ["format.answerTagRate", "with an answer"],
    ],
  },
];

function makeCurves(steps: readonly LoggedStep[]): ReportCurve[] {
  return curves.map(({ title, yLabel, series }) => ({
    title,
    yLabel,
    series: series.map(([name, label]) => metricSeries(steps, name as Parameters<typeof metricSeries>[1], label)),
  }));
}

/** Renders `report.html` from what the run directory holds. */
export async function writeReport(
  directory: RunDirectory,
  record: RunRecord,
  extra: Partial<
    Pick<RunReport, "title" | "warnings" | "statements" | "evaluations" | "distance" | "comparisons" | "samples">
  > & {
    readonly summary: string;
  },
): Promise<string> {
  const steps = directory.readSteps();
  const { options, deviations, backend, model, data, versions } = record;
  const html = renderReport({
    title: `Imagine-OPD: ${options.preset}, ${steps.length} steps`,
    evaluations: [],
    samples: [],
    ...extra,
    warnings: [...(extra.warnings ?? []), ...findAlarms(steps)],
    deviations: deviations.map(({ field, preset, value }) => `${field}: ${value} (the preset has ${preset})`),
    curves: steps.length === 0 ? [] : makeCurves(steps),
    configuration: {
      model: options.model,
      parameters: model.parameters,
      tuning: record.tuning.kind,
      data: options.data,
      records: data.records,
      preset: options.preset,
      seed: options.seed,
      backend: backend.name,
      node: versions.node,
      tfjs: versions.tfjs,
    },
  });
  await directory.writeText("report.html", html);
  return join(directory.path, "report.html");
}
