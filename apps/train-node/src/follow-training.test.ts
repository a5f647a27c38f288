import type { LoggedStep } from "@imagine-opd/run-log";
import { expect, test } from "vitest";
import { followTraining } from "./follow-training.ts";
import type { TrainingRun } from "./run-training.ts";

const logged = (step: number, accuracy: number): LoggedStep => ({ step, task: { accuracy } });

/** A run resumed after step 12 whose rollouts are all wrong from then on. */
function resumedRun(before: readonly LoggedStep[]): TrainingRun {
  const record = {
    options: { model: "m", data: "d", preset: "imagine-opd" },
    model: { family: "smolvlm", parameters: 1 },
    data: { records: 1 },
    backend: { name: "cpu", chosen: "by name" },
    tuning: { kind: "full" },
    teacher: { kind: "frozen" },
    deviations: [],
  };
  return {
    record,
    firstStep: 12,
    totalSteps: 40,
    directory: { readSteps: () => before },
    async *events(signal: AbortSignal) {
      for (let step = 13; step <= 40 && !signal.aborted; step++)
        yield { type: "step-finished", step, applied: true, metrics: logged(step, 0), rollouts: [] };
    },
  } as unknown as TrainingRun;
}

test("a resumed run is compared with its own first steps, and not with those that it will do again", async () => {
  const right = Array.from({ length: 12 }, (_, i) => logged(i + 1, 0.8));
  const lost = [logged(13, 0), logged(14, 0)];
  const collapse = await followTraining(resumedRun([...right, ...lost]), new AbortController().signal);
  // Of the last ten steps six are wrong.
  expect(collapse).toMatchObject({ step: 18, what: "right answers" });
  expect(collapse!.from).toBeCloseTo(0.8, 12);
  expect(collapse!.to).toBeCloseTo(0.32, 12);
});

test("without what was logged before, there is nothing to fall from", async () => {
  expect(await followTraining(resumedRun([]), new AbortController().signal)).toBeUndefined();
});
