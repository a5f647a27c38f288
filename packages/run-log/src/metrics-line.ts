import { ImagineOpdError } from "@imagine-opd/protocol";
import { metricGroups, type StepMetrics } from "./step-metrics.ts";

/**
 * One line of `metrics.jsonl`, without its line break. Groups stand in a fixed order and names in alphabetical order, so
 * that equal metrics give equal bytes. JSON has no NaN or infinity: such a number becomes `null`, and its name, for example
 * `signal.byDecile[3]`, is listed under `nonFinite`.
 * @throws invalid-argument when `step` is not a whole number from 0
 */
export function formatMetricsLine(metrics: StepMetrics): string {
  if (!Number.isSafeInteger(metrics.step) || metrics.step < 0) {
    throw new ImagineOpdError("invalid-argument", {
      where: "run-log.formatMetricsLine",
      problem: `\`step\` must be a whole number from 0, got ${metrics.step}.`,
    });
  }
  const nonFinite: string[] = [];
  const finite = (value: number, name: string): number | null => {
    if (Number.isFinite(value)) return value;
    nonFinite.push(name);
    return null;
  };
  const line: Record<string, unknown> = { step: metrics.step };
  for (const group of metricGroups) {
    const entries = Object.entries(metrics[group] ?? {})
      .filter(([, value]) => value !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1));
    if (entries.length === 0) continue;
    line[group] = Object.fromEntries(
      entries.map(([name, value]) => [
        name,
        typeof value === "number"
          ? finite(value, `${group}.${name}`)
          : value!.map((item, i) => finite(item, `${group}.${name}[${i}]`)),
      ]),
    );
  }
  return JSON.stringify(nonFinite.length === 0 ? line : { ...line, nonFinite });
}
