import type { ReportEvaluation } from "./report.ts";

/**
 * `evaluations.json`: the headline figures of the report as an array, indented, with a line break at the end. What else the
 * objects hold (samples, fingerprints) is left out. `scripts/recount.mjs` compares them with `samples.jsonl`.
 */
export function formatEvaluations(evaluations: readonly ReportEvaluation[]): string {
  const figures = evaluations.map(
    ({ label, role, accuracy, interval, total, unparsableRate, meanTokens, locatedRate, evidenceRate }) => ({
      label,
      role,
      accuracy,
      interval: { low: interval.low, high: interval.high },
      total,
      unparsableRate,
      meanTokens,
      locatedRate,
      evidenceRate,
    }),
  );
  return `${JSON.stringify(figures, null, 2)}\n`;
}
