import { expect, test } from "vitest";
import { privilegedInformationGain } from "./information-gain.ts";

test("privilegedInformationGain is the mean difference in nats", () => {
  expect(privilegedInformationGain(Float32Array.of(-1, -0.5, -2), Float32Array.of(-2, -0.25, -2))).toBe(0.25);
  expect(privilegedInformationGain(Float32Array.of(-3), Float32Array.of(-1))).toBe(-2);
});

test.each([
  [[], []],
  [[-1], [-1, -2]],
])("privilegedInformationGain refuses %j and %j", (right, wrong) => {
  expect(() => privilegedInformationGain(Float32Array.from(right), Float32Array.from(wrong))).toThrow(
    `expected two arrays of the same length, at least 1, got ${right.length} and ${wrong.length}.`,
  );
});
