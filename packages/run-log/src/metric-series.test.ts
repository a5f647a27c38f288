import { expect, test } from "vitest";
import { metricSeries } from "./metric-series.ts";
import type { StepMetrics } from "./step-metrics.ts";

const steps = [
  { step: 1, task: { accuracy: 0.5, "accuracy.colour": 0.25 } },
  { step: 2, task: {} },
  { step: 3, task: { accuracy: null }, signal: { byDecile: [1, 2] } },
];

test("steps without the metric are left out, non-finite ones stay as gaps", () => {
  expect(metricSeries(steps, "task.accuracy", "accuracy")).toEqual({
    label: "accuracy",
    points: [
      { x: 1, y: 0.5 },
      { x: 3, y: null },
    ],
  });
  expect(metricSeries(steps, "task.accuracy.colour").points).toEqual([{ x: 1, y: 0.25 }]);
  expect(metricSeries([], "task.accuracy").points).toEqual([]);
});

test("steps in memory are taken too", () => {
  const inMemory: StepMetrics[] = [{ step: 1, signal: { k1TokenMean: Number.NaN, byDecile: [1] } }];
  expect(metricSeries(inMemory, "signal.k1TokenMean").points).toEqual([{ x: 1, y: Number.NaN }]);
});

test("unknown groups and lists are refused", () => {
  expect(() => metricSeries(steps, "tusk.accuracy")).toThrow("one of the groups signal, policy, optimiser");
  expect(() => metricSeries(steps, "signal.byDecile")).toThrow('a metric of single numbers, got "signal.byDecile"');
});
