import type { StepMetrics } from "@imagine-opd/run-log";
import { expect, test } from "vitest";
import { adviseOn, createCollapseAlarm } from "./collapse-alarm.ts";

const step = (number: number, accuracy: number, answerTagRate = 1): StepMetrics => ({
  step: number,
  task: { accuracy },
  format: { answerTagRate },
  signal: { k1TokenMean: accuracy / 10 },
});

function run(rates: readonly (readonly [number, number?])[]) {
  const alarm = createCollapseAlarm();
  for (const [index, [accuracy, closed]] of rates.entries()) {
    const collapse = alarm(step(index + 1, accuracy, closed));
    if (collapse !== undefined) return collapse;
  }
  return undefined;
}
const times = <Value>(count: number, value: Value): Value[] => Array.from({ length: count }, () => value);

test("a run that keeps its accuracy, or gains, raises nothing", () => {
  expect(run([...times(30, [0.4] as const), ...times(30, [0.8] as const)])).toBeUndefined();
  expect(run([...times(10, [0.4] as const), ...times(10, [0.22] as const)])).toBeUndefined();
});

test("accuracy that falls below half raises the alarm at the step where the mean does", () => {
  const collapse = run([...times(10, [0.4] as const), ...times(20, [0] as const)])!;
  // After 6 steps at 0 the mean of ten is 0.16.
  expect(collapse).toMatchObject({ step: 16, what: "right answers" });
  expect(collapse.from).toBeCloseTo(0.4, 12);
  expect(collapse.to).toBeCloseTo(0.16, 12);
  expect(collapse.signal[1]).toBeCloseTo(0.016, 12);
  expect(adviseOn(collapse, "live")).toContain("fell from 40 % to 16 % of the rollouts");
  expect(adviseOn(collapse, "live")).toContain("--deviate teacher=frozen");
  expect(adviseOn(collapse, "frozen")).toContain("Check that the views belong to the pictures");
});

test("lost answer tags raise it without labelled answers", () => {
  const alarm = createCollapseAlarm();
  let collapse: ReturnType<typeof alarm>;
  for (let number = 1; collapse === undefined; number++)
    collapse = alarm({ step: number, format: { answerTagRate: number <= 10 ? 1 : 0 } });
  expect(collapse).toMatchObject({ step: 16, what: "answers with a closed tag" });
});

test("a low accuracy may halve by chance", () => {
  expect(run([...times(10, [0.08] as const), ...times(20, [0.03] as const)])).toBeUndefined();
});
