import type { LoggedStep } from "./read-metrics.ts";
import type { MetricGroupName } from "./step-metrics.ts";

/** Steps at each end of a run whose means are compared. */
export const alarmWindow = 10;

/** Rates below this cannot be told from noise when they halve. */
const leastRate = 0.1;

/** A rate of the student's own rollouts that fell below half of what it was. */
export interface Collapse {
  /** The last step that was looked at. */
  readonly step: number;
  readonly what: "right answers" | "answers with a closed tag";
  /** Mean over the first ten steps, 0 to 1. */
  readonly from: number;
  /** Mean over the last ten steps. */
  readonly to: number;
  /**
   * Mean of the signal then and now, nats a token: ln student − ln teacher, else the divergence; NaN where none is logged. A
   * teacher that goes along sees nothing wrong.
   */
  readonly signal: readonly [number, number];
}

/** Mean of a metric over steps; `undefined` where none logged it as a finite number. */
export function meanOf(steps: readonly LoggedStep[], group: MetricGroupName, name: string): number | undefined {
  const values = steps.flatMap((step) => {
    const value = step[group]?.[name];
    return typeof value === "number" && Number.isFinite(value) ? [value] : [];
  });
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length;
}

const signalOf = (steps: readonly LoggedStep[]): number =>
  meanOf(steps, "signal", "k1TokenMean") ?? meanOf(steps, "signal", "divergence") ?? Number.NaN;

/** The rates that fell below half between the first steps of a run and the last; a rate that no step logged did not. */
export function findCollapses(first: readonly LoggedStep[], last: readonly LoggedStep[]): Collapse[] {
  const rates = [
    ["right answers", "task", "accuracy"],
    ["answers with a closed tag", "format", "answerTagRate"],
  ] as const;
  return rates.flatMap(([what, group, name]) => {
    const [from, to] = [meanOf(first, group, name), meanOf(last, group, name)];
    if (from === undefined || to === undefined || from < leastRate || to >= from / 2) return [];
    return [{ step: last.at(-1)!.step, what, from, to, signal: [signalOf(first), signalOf(last)] as const }];
  });
}

/**
 * Watches the metrics of a run, step by step; gives a collapse as soon as there is one. Its rule is that of `findAlarms`, so
 * that a report says of a stopped run what stopped it, in the same numbers.
 */
export function createCollapseAlarm(): (step: LoggedStep) => Collapse | undefined {
  const first: LoggedStep[] = [];
  const last: LoggedStep[] = [];
  return (step) => {
    if (first.length < alarmWindow) first.push(step);
    last.push(step);
    if (last.length > alarmWindow) last.shift();
    return first.length < alarmWindow ? undefined : findCollapses(first, last)[0];
  };
}
