import { ImagineOpdError } from "@imagine-opd/protocol";
import type { MetricGroupName } from "./step-metrics.ts";

/** A logged number; `null` where it was not finite. */
export type LoggedValue = number | null | readonly (number | null)[];

/** A line of `metrics.jsonl` as it was read back. */
export type LoggedStep = {
  readonly step: number;
  /** Names of the numbers that were not finite. */
  readonly nonFinite?: readonly string[];
} & { readonly [group in MetricGroupName]?: Readonly<Record<string, LoggedValue | undefined>> };

/**
 * Reads `metrics.jsonl`. A run that was killed while it wrote leaves a last line without an end: it is left out, and
 * `torn` is true.
 * @throws invalid-data with the line's number for any other line that is not a step
 */
export function readMetrics(text: string): { steps: LoggedStep[]; torn: boolean } {
  const lines = text.split("\n");
  const steps: LoggedStep[] = [];
  for (const [index, line] of lines.entries()) {
    if (line.trim() === "") continue;
    const step = parseStep(line);
    if (step !== undefined) steps.push(step);
    else if (index === lines.length - 1) return { steps, torn: true };
    else {
      throw new ImagineOpdError("invalid-data", {
        where: "run-log.readMetrics",
        problem: `line ${index + 1} is not a step of a metrics log, got "${line.slice(0, 80)}".`,
        remedy: "Restore the file from its checkpoint, or remove the line.",
        details: { line: index + 1 },
      });
    }
  }
  return { steps, torn: false };
}

function parseStep(line: string): LoggedStep | undefined {
  try {
    const value = JSON.parse(line);
    return typeof value?.step === "number" ? value : undefined;
  } catch {
    return undefined;
  }
}
