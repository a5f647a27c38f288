import { expect, test } from "vitest";
import { describeNumbers } from "./describe-numbers.ts";

test("mean, extremes and population deviation", () => {
  expect(describeNumbers(Float32Array.of(1, 2, 3, 6))).toEqual({ mean: 3, min: 1, max: 6, std: Math.sqrt(3.5) });
  expect(describeNumbers([-4])).toEqual({ mean: -4, min: -4, max: -4, std: 0 });
});

test("a large offset does not spoil the deviation", () => {
  expect(describeNumbers([1e9 + 1, 1e9 + 2, 1e9 + 3]).std).toBe(Math.sqrt(2 / 3));
});

test("NaN shows", () => {
  expect(describeNumbers([1, Number.NaN])).toEqual({ mean: NaN, min: NaN, max: NaN, std: NaN });
});

test("no numbers have no mean", () => {
  expect(() => describeNumbers([])).toThrow("run-log.describeNumbers: expected at least one number, got none.");
});
