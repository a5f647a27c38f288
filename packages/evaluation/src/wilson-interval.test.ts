import * as fc from "fast-check";
import { expect, test } from "vitest";
import { wilsonInterval } from "./wilson-interval.ts";

// Bounds from the formula with Python's statistics.NormalDist().inv_cdf as the quantile.
test.each([
  [8, 10, 0.95, 0.490162, 0.943318],
  [1317, 1500, 0.95, 0.860465, 0.893604],
  [0, 10, 0.95, 0, 0.277533],
  [10, 10, 0.95, 0.722467, 1],
  [50, 100, 0.99, 0.37528, 0.62472],
])("%i of %i at %f", (successes, total, confidence, low, high) => {
  const interval = wilsonInterval(successes, total, confidence);
  expect(interval.low).toBeCloseTo(low, 6);
  expect(interval.high).toBeCloseTo(high, 6);
});

test("with p = 1/2 the half width is z / (2 √(n + z²)), which gives back z", () => {
  const { low, high } = wilsonInterval(50, 100);
  const half = (high - low) / 2;
  expect(Math.sqrt((4 * half * half * 100) / (1 - 4 * half * half))).toBeCloseTo(1.959963984540054, 10);
});

test("the share lies inside, the mirror image mirrors, more confidence is wider", () => {
  const counts = fc
    .integer({ min: 1, max: 5000 })
    .chain((n) => fc.tuple(fc.integer({ min: 0, max: n }), fc.constant(n)));
  fc.assert(
    fc.property(counts, ([k, n]) => {
      const { low, high } = wilsonInterval(k, n);
      const mirrored = wilsonInterval(n - k, n);
      const wider = wilsonInterval(k, n, 0.99);
      expect(0 <= low && low <= k / n && k / n <= high && high <= 1).toBe(true);
      expect(mirrored.high).toBeCloseTo(1 - low, 12);
      expect(wider.low <= low && wider.high >= high).toBe(true);
    }),
  );
});

test.each([
  [0, 0, 0.95],
  [3, 2, 0.95],
  [-1, 2, 0.95],
  [1.5, 2, 0.95],
  [1, 2, 1],
  [1, 2, Number.NaN],
])("%f of %f at %f is refused", (successes, total, confidence) => {
  expect(() => wilsonInterval(successes, total, confidence)).toThrow(
    "evaluation.wilsonInterval: expected whole numbers",
  );
});
