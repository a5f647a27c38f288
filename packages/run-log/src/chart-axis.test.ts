import * as fc from "fast-check";
import { expect, test } from "vitest";
import { fitAxis } from "./chart-axis.ts";

test("ticks stand at round numbers inside the values", () => {
  expect(fitAxis([0, 10], "linear").ticks).toEqual([0, 2, 4, 6, 8, 10]);
  expect(fitAxis([3, 19], "linear").ticks).toEqual([5, 10, 15]);
  expect(fitAxis([1e-6, 1], "log").ticks).toEqual([1e-6, 1e-4, 0.01, 1]);
  expect(fitAxis([0.3, 6], "log").ticks).toEqual([0.5, 1, 2, 5]);
});

test("the extremes are 0 and 1, a tenth of two decades is half of the way to one", () => {
  const linear = fitAxis([-2, 6], "linear");
  expect([-2, 0, 6].map(linear.position)).toEqual([0, 0.25, 1]);
  const log = fitAxis([1, 100], "log");
  expect([1, 10, 100].map(log.position)).toEqual([0, 0.5, 1]);
});

test("equal values lie in the middle", () => {
  for (const value of [3, -3, 0, 1e-300]) expect(fitAxis([value], "linear").position(value)).toBeCloseTo(0.5, 12);
  expect(fitAxis([7, 7], "log").position(7)).toBeCloseTo(0.5, 12);
});

test("any values give finite positions from 0 to 1 and few ticks", () => {
  const values = fc.array(fc.double({ min: 1e-290, noNaN: true, noDefaultInfinity: true }), { minLength: 1 });
  fc.assert(
    fc.property(values, fc.constantFrom("linear" as const, "log" as const), (numbers, scale) => {
      const { ticks, position } = fitAxis(numbers, scale);
      expect(ticks.length).toBeLessThanOrEqual(12);
      for (const value of numbers) {
        expect(position(value)).toBeGreaterThanOrEqual(-1e-9);
        expect(position(value)).toBeLessThanOrEqual(1 + 1e-9);
      }
    }),
  );
  const anything = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 1 });
  fc.assert(
    fc.property(anything, (numbers) => {
      const { position } = fitAxis(numbers, "linear");
      for (const value of numbers) expect(Number.isFinite(position(value))).toBe(true);
    }),
  );
});
