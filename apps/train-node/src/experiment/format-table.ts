import type { ReportDistance, ReportEvaluation } from "@imagine-opd/run-log";

const percent = (share: number) => `${(100 * share).toFixed(1)} %`;

/** The headline figures as a table for a terminal. */
export function formatTable(rows: readonly ReportEvaluation[]): string {
  const cells = rows.map(({ label, accuracy, interval, locatedRate, evidenceRate, meanTokens, total }) => [
    label,
    percent(accuracy),
    `${percent(interval.low)} … ${percent(interval.high)}`,
    locatedRate === undefined ? "" : percent(locatedRate),
    evidenceRate === undefined ? "" : percent(evidenceRate),
    meanTokens.toFixed(1),
    String(total),
  ]);
  const table = [["", "accuracy", "95 % interval", "place named", "digits read", "tokens", "scenes"], ...cells];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  const line = (row: readonly string[]) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join("   ");
  return table.map((row) => `${line(row).trimEnd()}\n`).join("");
}

/** Share of the way from `before` to `goal` that was gone; undefined where there is no way. */
export function closedShare(before: number, after: number, goal: number): number | undefined {
  return goal === before ? undefined : (after - before) / (goal - before);
}

/** How much of the gaps to the teacher was closed, in a sentence. */
export function formatGaps(
  rows: readonly ReportEvaluation[],
  { before, after }: Pick<ReportDistance, "before" | "after">,
): string {
  const accuracy = (role: ReportEvaluation["role"]) => rows.find((row) => row.role === role)!.accuracy;
  const gap = closedShare(accuracy("before"), accuracy("after"), accuracy("teacher"));
  const distance = closedShare(before, after, 0);
  const share = (value: number | undefined) => (value === undefined ? "no" : percent(value));
  return `accuracy gap to the teacher closed: ${share(gap)}; KL to the teacher ${before.toFixed(2)} → ${after.toFixed(2)} nats a completion: ${share(distance)} closed\n`;
}
