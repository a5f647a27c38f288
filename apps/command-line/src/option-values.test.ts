import { expect, test } from "vitest";
import { collect, integer, number } from "./option-values.ts";

test("integer takes whole numbers from the least one", () => {
  expect([integer(1)("1"), integer(0)("007"), integer(-5)("-5")]).toEqual([1, 7, -5]);
});

test.each(["0", "1.5", "1e3", "", " ", "ten", "NaN", "9007199254740993"])("integer(1) refuses %j", (text) => {
  expect(() => integer(1)(text)).toThrow("Expected an integer of at least 1.");
});

test("number takes both ends of its range", () => {
  expect([number(0)("0"), number(0, 1)("1"), number(0)("1e-3")]).toEqual([0, 1, 0.001]);
});

test.each(["-0.1", "1.1", "", "Infinity", "half"])("number(0, 1) refuses %j", (text) => {
  expect(() => number(0, 1)(text)).toThrow("Expected a number from 0 to 1.");
});

test("number without an upper end does not speak of one", () => {
  expect(() => number(0)("-1")).toThrow(/^Expected a number from 0\.$/);
});

test("collect keeps values in order and leaves the earlier list alone", () => {
  const before = ["a"];
  expect(collect("b", before)).toEqual(["a", "b"]);
  expect(collect("b", undefined)).toEqual(["b"]);
  expect(before).toEqual(["a"]);
});
