import type { TeacherKind } from "@imagine-opd/privileged-teacher";
import type { StepMetrics } from "@imagine-opd/run-log";

/** Steps whose means are compared. */
export const alarmWindow = 10;

/** A rate of the student's own rollouts that fell below half of what it was. */
export interface Collapse {
  readonly step: number;
  readonly what: "right answers" | "answers with a closed tag";
  /** Mean over the first steps, 0 to 1. */
  readonly from: number;
  /** Mean over the last steps. */
  readonly to: number;
  /** Mean of the signal ln student − ln teacher then and now, nats a token: a teacher that goes along sees nothing wrong. */
  readonly signal: readonly [number, number];
}

interface Point {
  readonly right: number;
  readonly closed: number;
  readonly signal: number;
}

/** Rates below this cannot be told from noise when they halve. */
const leastRate = 0.1;

const meanOf = (points: readonly Point[], name: keyof Point): number =>
  points.reduce((sum, point) => sum + point[name], 0) / points.length;

/** Watches the metrics of a run, step by step; gives a collapse as soon as there is one. */
export function createCollapseAlarm(): (metrics: StepMetrics) => Collapse | undefined {
  const first: Point[] = [];
  const last: Point[] = [];
  return ({ step, task, format, signal }) => {
    const point = {
      right: Number(task?.accuracy ?? Number.NaN),
      closed: Number(format?.answerTagRate ?? Number.NaN),
      signal: Number(signal?.k1TokenMean ?? signal?.divergence ?? Number.NaN),
    };
    if (first.length < alarmWindow) first.push(point);
    last.push(point);
    if (last.length > alarmWindow) last.shift();
    for (const [name, what] of [
      ["right", "right answers"],
      ["closed", "answers with a closed tag"],
    ] as const) {
      const [from, to] = [meanOf(first, name), meanOf(last, name)];
      if (first.length === alarmWindow && from >= leastRate && to < from / 2)
        return { step, what, from, to, signal: [meanOf(first, "signal"), meanOf(last, "signal")] };
    }
    return undefined;
  };
}

/** What to do about a collapse. */
export function adviseOn({ step, what, from, to, signal }: Collapse, teacher: TeacherKind["kind"]): string {
  const percent = (rate: number) => `${(100 * rate).toFixed(0)} %`;
  const seen = `collapse at step ${step}: ${what} fell from ${percent(from)} to ${percent(to)} of the rollouts, the signal went from ${signal[0].toFixed(3)} to ${signal[1].toFixed(3)} nats a token.`;
  const remedy =
    teacher === "frozen" || teacher === "trust-region"
      ? "Check that the views belong to the pictures, and lower the learning rate."
      : `The teacher (${teacher}) follows the student and confirms whatever it drifts to. Take a frozen teacher (--deviate teacher=frozen), or a slower average.`;
  return `${seen} ${remedy}`;
}
