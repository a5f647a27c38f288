import { escapeHtml, formatNumber } from "./escape-html.ts";
import { describeClosing } from "./headline-section.ts";
import type { ReportComparison, ReportComparisonRun, RunReport } from "./report.ts";
import { renderSection, renderTable } from "./report-parts.ts";
import { formatShare, renderWhiskerChart, type WhiskerMark } from "./whisker-chart.ts";

/** Each panel with its runs as a chart and as a table. */
export function renderComparisons({ comparisons = [] }: RunReport): string {
  return comparisons
    .filter(({ runs }) => runs.length > 0)
    .map(renderPanel)
    .join("");
}

function renderPanel({ title, note, distancePer = "completion", runs }: ReportComparison): string {
  const rows = runs.map(({ name, before, after }) => ({
    label: name,
    mark: toMark(after),
    ...(before !== undefined && { from: toMark(before) }),
  }));
  const words = note === undefined ? "" : `<p class="quiet">${escapeHtml(note)}</p>`;
  const key = rows.some(({ from }) => from !== undefined)
    ? '<p class="quiet">Accuracy with 95 % intervals; hollow: before, full: after.</p>'
    : '<p class="quiet">Accuracy with 95 % intervals.</p>';
  return renderSection(title, words + key + renderWhiskerChart(rows) + comparisonTable(runs, distancePer));
}

function toMark({ accuracy, interval }: ReportComparisonRun["after"]): WhiskerMark {
  return { share: accuracy, interval };
}

function comparisonTable(runs: readonly ReportComparisonRun[], per: "token" | "completion"): string {
  const columns: [head: string, cell: (run: ReportComparisonRun) => string][] = [
    ["after", ({ after }) => withInterval(after)],
  ];
  if (runs.some(({ before }) => before !== undefined))
    columns.unshift(["before", ({ before }) => (before === undefined ? "–" : withInterval(before))]);
  if (runs.some(({ distance }) => distance !== undefined)) {
    columns.push(
      [
        `KL, nats/${per}`,
        ({ distance }) =>
          distance === undefined ? "–" : `${formatNumber(distance.before)} → ${formatNumber(distance.after)}`,
      ],
      ["KL gap", ({ distance }) => (distance === undefined ? "–" : shortClosing(distance.before, distance.after))],
    );
  }
  if (runs.some(({ steps }) => steps !== undefined))
    columns.push(["steps", ({ steps }) => (steps === undefined ? "–" : String(steps))]);
  return renderTable(
    "run",
    columns.map(([head]) => head),
    runs.map((run) => ({ name: run.name, cells: columns.map(([, cell]) => cell(run)), remark: run.remark })),
  );
}

function withInterval({ accuracy, interval }: ReportComparisonRun["after"]): string {
  return `${formatShare(accuracy)} (${formatShare(interval.low)} to ${formatShare(interval.high)})`;
}

function shortClosing(before: number, after: number): string {
  const [value, note] = describeClosing(before, after);
  return note === "of the gap closed" ? `${value} closed` : note === "as wide as before" ? `${value} as wide` : value;
}
