import { isImagineOpdError } from "@imagine-opd/protocol";
import { expect, test } from "vitest";
import { readMetrics } from "./read-metrics.ts";

const one = '{"step":1,"optimiser":{"loss":0.5}}';
const two = '{"step":2,"optimiser":{"loss":null},"nonFinite":["optimiser.loss"]}';

test("steps are read", () => {
  expect(readMetrics(`${one}\n${two}\n`)).toEqual({
    steps: [
      { step: 1, optimiser: { loss: 0.5 } },
      { step: 2, optimiser: { loss: null }, nonFinite: ["optimiser.loss"] },
    ],
    torn: false,
  });
});

test("an empty log has no steps", () => {
  expect(readMetrics("")).toEqual({ steps: [], torn: false });
});

test("every torn last line is left out and reported", () => {
  for (let length = 1; length < two.length; length++) {
    const { steps, torn } = readMetrics(`${one}\n${two.slice(0, length)}`);
    expect([steps.length, torn]).toEqual([1, true]);
  }
  expect(readMetrics(`${one}\n${two}`).torn).toBe(false);
});

test.each([
  ['{"step":1,"opt', 2],
  ["{}", 2],
  ["7", 2],
])("%s before the end is an error with its line", (line, number) => {
  const read = () => readMetrics(`${one}\n${line}\n${two}\n`);
  expect(read).toThrow(`run-log.readMetrics: line ${number} is not a step of a metrics log`);
  expect(read).toThrow(expect.toSatisfy(isImagineOpdError));
});

test("a complete last line that is broken is an error, not torn", () => {
  expect(() => readMetrics(`${one}\n{"step\n`)).toThrow("line 2");
});
