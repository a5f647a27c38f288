import fc from "fast-check";
import { expect, test } from "vitest";
import { learningRateAt, type Schedule } from "./learning-rate-at.ts";

const first = (count: number, schedule: Schedule) =>
  Array.from({ length: count }, (_, step) => learningRateAt(step, schedule));

test("constant stays", () => {
  expect(first(3, { kind: "constant", learningRate: 2 })).toEqual([2, 2, 2]);
});

test("linear warm-up rises in equal parts, reaches the rate with its last update and stays", () => {
  expect(first(6, { kind: "linear-warmup", learningRate: 8, warmupSteps: 4 })).toEqual([2, 4, 6, 8, 8, 8]);
  expect(first(2, { kind: "linear-warmup", learningRate: 8, warmupSteps: 0 })).toEqual([8, 8]);
});

test("cosine falls from the rate through the middle to the final rate and stays", () => {
  const rates = first(8, { kind: "cosine", learningRate: 10, totalSteps: 6, warmupSteps: 2, finalLearningRate: 2 });
  const quarter = 4 * Math.SQRT1_2;
  const wanted = [5, 10, 10, 6 + quarter, 6, 6 - quarter, 2, 2];
  for (const [step, rate] of wanted.entries()) expect(rates[step]).toBeCloseTo(rate, 12);
});

test("cosine never leaves the range between its final rate and its rate, and falls after the warm-up", () => {
  fc.assert(
    fc.property(fc.nat(50), fc.integer({ min: 1, max: 100 }), fc.nat(200), (warmupSteps, falling, step) => {
      const schedule = { kind: "cosine", learningRate: 1, totalSteps: warmupSteps + falling, warmupSteps } as const;
      const [rate, next] = [learningRateAt(step, schedule), learningRateAt(step + 1, schedule)];
      expect(rate).toBeGreaterThanOrEqual(0);
      expect(rate).toBeLessThanOrEqual(1);
      if (step >= warmupSteps) expect(next).toBeLessThanOrEqual(rate);
      else expect(next).toBeGreaterThanOrEqual(rate);
    }),
  );
});

test("numbers out of range are refused by name", () => {
  const constant = { kind: "constant", learningRate: 1 } as const;
  expect(() => learningRateAt(-1, constant)).toThrow(/optim\.learningRateAt: `step` must be an integer from 0, got -1/);
  expect(() => learningRateAt(0.5, constant)).toThrow(/`step` must be an integer/);
  expect(() => learningRateAt(0, { ...constant, learningRate: Number.NaN })).toThrow(/`learningRate` must be a finite/);
  expect(() => learningRateAt(0, { kind: "linear-warmup", learningRate: 1, warmupSteps: -2 })).toThrow(
    /`warmupSteps` must be an integer from 0, got -2/,
  );
  const cosine = { kind: "cosine", learningRate: 1, totalSteps: 5 } as const;
  expect(() => learningRateAt(0, { ...cosine, warmupSteps: 5 })).toThrow(
    /`totalSteps` must be an integer from 6, got 5/,
  );
  expect(() => learningRateAt(0, { ...cosine, finalLearningRate: -1 })).toThrow(/`finalLearningRate` must be/);
});
