import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createProgress, formatDuration } from "./progress.ts";

test.each([
  [0, "0 s"],
  [59.4, "59 s"],
  [59.6, "1 min 00 s"],
  [61, "1 min 01 s"],
  [3725, "62 min 05 s"],
])("%d seconds are %s", (seconds, text) => {
  expect(formatDuration(seconds)).toBe(text);
});

let lines: string[];
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance"] });
  lines = [];
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    lines.push(String(text));
    return true;
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

test("without a terminal: the first line, one every ten seconds, and the last", () => {
  const progress = createProgress("work", 100);
  for (let done = 1; done <= 100; done++) {
    vi.advanceTimersByTime(500);
    progress.update(done, "fine");
  }
  progress.stop();
  expect(lines).toEqual([
    "work 1/100, 50 s left, fine\n",
    "work 21/100, 40 s left, fine\n",
    "work 41/100, 30 s left, fine\n",
    "work 61/100, 20 s left, fine\n",
    "work 81/100, 10 s left, fine\n",
    "work 100/100, 0 s left, fine\n",
  ]);
});

test("what was done before does not count for the time that is left", () => {
  const progress = createProgress("resumed", 100, 90);
  progress.update(90);
  vi.advanceTimersByTime(10_000);
  progress.update(95);
  expect(lines).toEqual(["resumed 90/100, ? left\n", "resumed 95/100, 10 s left\n"]);
});
