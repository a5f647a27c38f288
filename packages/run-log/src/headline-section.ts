import { escapeHtml, formatNumber } from "./escape-html.ts";
import type { ReportDistance, ReportEvaluation, RunReport } from "./report.ts";
import { renderSection, renderTable } from "./report-parts.ts";
import { formatShare, renderWhiskerChart } from "./whisker-chart.ts";

/** Accuracy before and after beside the teacher's: the figures in large, a chart, and everything in a table. */
export function renderHeadline({ evaluations, distance }: RunReport): string {
  const rows = evaluations.map(({ label, accuracy, interval }) => ({ label, mark: { share: accuracy, interval } }));
  const chart =
    rows.length === 0
      ? ""
      : `<h3>Accuracy on held-out questions, with 95 % intervals</h3>${renderWhiskerChart(rows)}${evaluationTable(evaluations)}`;
  const measured =
    distance === undefined
      ? ""
      : `<p class="quiet">KL(student‖teacher) in nats per ${escapeHtml(distance.per)}, measured on ${escapeHtml(distance.measuredOn)}. ` +
        `The interval covers the choice of questions, not the spread between training runs.</p>`;
  return renderSection("Before and after", renderFigures(evaluations, distance) + chart + measured);
}

function renderFigures(evaluations: readonly ReportEvaluation[], distance: ReportDistance | undefined): string {
  const [before, after, teacher] = (["before", "after", "teacher"] as const).map((role) => only(evaluations, role));
  const figures: [name: string, value: string, note: string][] = [];
  if (before !== undefined && after !== undefined) {
    figures.push(["accuracy", arrow(formatShare(before.accuracy), formatShare(after.accuracy)), "before → after"]);
    if (teacher !== undefined) {
      const [value, note] = describeClosing(teacher.accuracy - before.accuracy, teacher.accuracy - after.accuracy);
      figures.push(["accuracy gap to the teacher", value, note]);
    }
  }
  if (distance !== undefined) {
    const [value, note] = describeClosing(distance.before, distance.after);
    figures.push(
      [
        `KL to the teacher, nats/${escapeHtml(distance.per)}`,
        arrow(formatNumber(distance.before), formatNumber(distance.after)),
        "before → after",
      ],
      ["KL gap to the teacher", value, note],
    );
  }
  if (figures.length === 0) return "";
  const tiles = figures.map(
    ([name, value, note]) => `<div><dt>${name}</dt><dd><b>${value}</b><span class="quiet">${note}</span></dd></div>`,
  );
  return `<dl class="figures">${tiles.join("")}</dl>`;
}

/** The one line of a role; two of them are no headline. */
function only(evaluations: readonly ReportEvaluation[], role: ReportEvaluation["role"]): ReportEvaluation | undefined {
  const having = evaluations.filter((evaluation) => evaluation.role === role);
  return having.length === 1 ? having[0] : undefined;
}

/** `1 - after / before` of a gap, in words. */
export function describeClosing(before: number, after: number): [value: string, note: string] {
  if (!Number.isFinite(before) || !Number.isFinite(after)) return ["not finite", "no share can be told"];
  if (before <= 0) return ["no gap", "there was nothing to close"];
  const closed = 1 - after / before;
  return closed < 0
    ? [`${formatNumber(after / before)} ×`, "as wide as before"]
    : [formatShare(closed), "of the gap closed"];
}

function arrow(before: string, after: string): string {
  return `${before} → ${after}`;
}

function evaluationTable(evaluations: readonly ReportEvaluation[]): string {
  const has = (name: "locatedRate" | "evidenceRate") => evaluations.some((row) => row[name] !== undefined);
  const columns: [head: string, cell: (row: ReportEvaluation) => string][] = [
    ["accuracy", ({ accuracy }) => formatShare(accuracy)],
    ["95 % interval", ({ interval }) => `${formatShare(interval.low)} to ${formatShare(interval.high)}`],
    ["unparsable", ({ unparsableRate }) => formatShare(unparsableRate)],
    ["mean tokens", ({ meanTokens }) => formatNumber(meanTokens)],
  ];
  if (has("locatedRate")) columns.push(["right place named", ({ locatedRate }) => optionalShare(locatedRate)]);
  if (has("evidenceRate")) columns.push(["right evidence stated", ({ evidenceRate }) => optionalShare(evidenceRate)]);
  columns.push(["questions", ({ total }) => String(total)]);
  return renderTable(
    "evaluation",
    columns.map(([head]) => head),
    evaluations.map((row) => ({ name: row.label, cells: columns.map(([, cell]) => cell(row)) })),
  );
}

function optionalShare(share: number | undefined): string {
  return share === undefined ? "–" : formatShare(share);
}
