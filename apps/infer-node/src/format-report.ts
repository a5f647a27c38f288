import { formatDuration } from "@imagine-opd/command-line";
import type { Accuracy, EvaluationReport } from "@imagine-opd/evaluation";

/** A report without its samples, with what computed it: `--json` prints it. */
export interface EvaluationRecord extends Omit<EvaluationReport, "samples"> {
  readonly backend: string;
  /** Time for all questions, loading of the model not counted. */
  readonly seconds: number;
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

function describeAccuracy({ correct, total, accuracy, interval }: Accuracy): string {
  const range = `${(100 * interval.low).toFixed(1)} to ${percent(interval.high)}`;
  return `${percent(accuracy)} (${correct} of ${total}), 95 % interval ${range}`;
}

/** Columns under each other: every first cell as wide as the widest. */
function alignRows(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
}

/** The report for people. */
export function formatReport(report: EvaluationRecord): string {
  const { mode, unparsable, unparsableRate, truncatedRate, meanTokens, meanPromptTokens, zoomedRate, seconds, total } =
    report;
  const categories = Object.entries(report.categories);
  const rows: (readonly [string, string])[] = [
    ["mode", mode],
    ["accuracy", describeAccuracy(report)],
    ...(zoomedRate === undefined
      ? []
      : ([["zoomed", `${percent(zoomedRate)} named a region and answered again`]] as const)),
    ["unparsable", `${percent(unparsableRate)} (${unparsable} of ${total})`],
    ["cut off", `${percent(truncatedRate)} reached the length limit`],
    [
      "tokens",
      `${meanTokens.toFixed(1)} an answer, ${meanPromptTokens.toFixed(1)} a prompt (means${zoomedRate === undefined ? "" : ", both turns"})`,
    ],
    [
      "time",
      `${seconds < 60 ? `${seconds.toFixed(1)} s` : formatDuration(seconds)}, ${(seconds / total).toFixed(2)} s a question, backend ${report.backend}`,
    ],
  ];
  const table = categories.map(([name, accuracy]): [string, string] => [name, describeAccuracy(accuracy)]);
  const lines = alignRows(rows);
  if (table.length > 0) lines.push("", ...alignRows([["category", "accuracy"], ...table]));
  return `${lines.join("\n")}\n`;
}
