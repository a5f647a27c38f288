import { expect, test } from "vitest";
import { createCollapseAlarm } from "./collapse.ts";
import type { LoggedStep } from "./read-metrics.ts";

/** The first collapse of a run, given the accuracy of each step. */
function watch(make: (step: number) => Omit<LoggedStep, "step">, steps = 40) {
  const alarm = createCollapseAlarm();
  for (let step = 1; step <= steps; step++) {
    const collapse = alarm({ step, ...make(step) });
    if (collapse !== undefined) return collapse;
  }
  return undefined;
}

test("right answers: the means of the first and the last ten steps, and the signal beside them", () => {
  const collapse = watch((step) => {
    const accuracy = step <= 10 ? 0.4 : 0;
    return { task: { accuracy }, signal: { k1TokenMean: accuracy / 10 } };
  })!;
  expect(collapse).toMatchObject({ step: 16, what: "right answers" });
  expect(collapse.from).toBeCloseTo(0.4, 12);
  expect(collapse.to).toBeCloseTo(0.16, 12);
  expect(collapse.signal[0]).toBeCloseTo(0.04, 12);
  expect(collapse.signal[1]).toBeCloseTo(0.016, 12);
});

test("closed tags, without labelled answers; the divergence stands in for a signal that is not logged", () => {
  const collapse = watch((step) => ({ format: { answerTagRate: step <= 10 ? 1 : 0 }, signal: { divergence: 0.5 } }));
  expect(collapse).toMatchObject({ step: 16, what: "answers with a closed tag", to: 0.4, signal: [0.5, 0.5] });
});

test.each([
  ["half of what it was", 0.4, 0.2],
  ["more than it was", 0.4, 0.8],
  ["half of next to nothing", 0.09, 0],
])("%s is none", (_what, from, to) => {
  expect(watch((step) => ({ task: { accuracy: step <= 10 ? from : to } }))).toBeUndefined();
});

test("fewer than ten steps, or metrics that nobody logged, are none", () => {
  expect(watch((step) => ({ task: { accuracy: step === 1 ? 1 : 0 } }), 9)).toBeUndefined();
  expect(watch(() => ({ task: { accuracy: null } }))).toBeUndefined();
});
