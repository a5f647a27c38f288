import { expect, test } from "vitest";
import { createCollapseAlarm } from "./collapse.ts";
import { findAlarms } from "./find-alarms.ts";
import type { LoggedStep } from "./read-metrics.ts";

/** Twenty steps whose groups depend on whether they are in the second half. */
const steps = (make: (late: boolean) => Omit<LoggedStep, "step">): LoggedStep[] =>
  Array.from({ length: 20 }, (_, i) => ({ step: i + 1, ...make(i >= 10) }));

test("a run that goes well, and one without metrics, give none", () => {
  expect(
    findAlarms(steps((late) => ({ signal: { k1TokenMean: late ? 0.01 : 1 }, task: { accuracy: late ? 0.9 : 0.4 } }))),
  ).toEqual([]);
  expect(findAlarms(steps(() => ({})))).toEqual([]);
  expect(findAlarms([])).toEqual([]);
});

test("collapse: the teacher follows the student into nothing", () => {
  const collapsed = steps((late) => ({
    signal: { k1TokenMean: late ? -0.05 : 1 },
    task: { accuracy: late ? 0.1 : 0.4 },
  }));
  expect(findAlarms(collapsed)).toEqual([
    "Collapse: the signal fell from 1.00 to -0.0500 nats per token while accuracy fell from 0.400 to 0.100.",
  ]);
  expect(findAlarms(collapsed.slice(5, 14))).toEqual([]); // too short to compare
});

test("accuracy that falls below half is a collapse, whatever the signal does", () => {
  expect(findAlarms(steps((late) => ({ signal: { k1TokenMean: 1 }, task: { accuracy: late ? 0.19 : 0.4 } })))).toEqual([
    "Collapse: accuracy fell from 0.400 to 0.190.",
  ]);
  expect(findAlarms(steps((late) => ({ task: { accuracy: late ? 0.21 : 0.4 } })))).toEqual([]);
  // From 0.08 it may halve by chance.
  expect(findAlarms(steps((late) => ({ task: { accuracy: late ? 0.01 : 0.08 } })))).toEqual([]);
});

test("a run that the collapse alarm stops is reported in the alarm's numbers", () => {
  const all = steps((late) => ({ task: { accuracy: late ? 0 : 0.4 } }));
  const alarm = createCollapseAlarm();
  const stop = all.findIndex((step) => alarm(step) !== undefined);
  expect(stop).toBe(15);
  const seen = all.slice(0, stop + 1);
  expect(findAlarms(seen)).toEqual(["Collapse: accuracy fell from 0.400 to 0.160."]);
  expect(findAlarms(seen.slice(0, -1))).toEqual([]);
});

test("form, entropy and length", () => {
  const alarms = findAlarms(
    steps((late) => ({
      format: { answerTagRate: late ? 0.4 : 1 },
      policy: { entropy: late ? 0.01 : 0.5 },
      rollout: { truncatedShare: late ? 0.75 : 0 },
    })),
  );
  expect(alarms).toEqual([
    "Completions lose their form: answers with a closed tag fell from 1.00 to 0.400.",
    "The student's entropy fell from 0.500 to 0.0100 nats per token.",
    "75 % of the last completions reach the length limit.",
  ]);
});

test("skipped updates and numbers that were not finite are counted in any run", () => {
  expect(
    findAlarms([
      { step: 1, optimiser: { skippedSteps: 1, loss: null }, nonFinite: ["optimiser.loss"] },
      { step: 2, optimiser: { skippedSteps: 2 } },
    ]),
  ).toEqual([
    "2 updates were skipped because a gradient was not finite.",
    "1 steps logged numbers that were not finite.",
  ]);
});
