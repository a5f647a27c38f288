import { expect, test } from "vitest";
import { formatMetrics, promptTemplates, renderTemplate } from "./index.ts";

test("formatMetrics averages over all texts", () => {
  const metrics = formatMetrics([
    "I look at the pier. I mentally zoom in on the kite. I see red cloth. <answer>red</answer>",
    "The second image shows red. <answer>red",
    "red red red red red red",
    renderTemplate(promptTemplates, "example"),
  ]);
  expect(metrics).toEqual({
    answerTagRate: 0.5,
    openTagRate: 0.25,
    afterAnswerRate: 0,
    locateRate: 0.5,
    invokeRate: 0.5,
    revealRate: 0.5,
    commitRate: 0.75,
    roundsPerTrajectory: 0.5,
    // The example is all copy; of the first text's 15 five-word runs, "i mentally zoom in on" stands in the example.
    exampleCopyRate: expect.closeTo((1 + 1 / 15) / 4, 12),
    leakRate: 0.25,
    // "red" six times: three runs of four words, two of them repeated.
    repetitionRate: expect.closeTo(2 / 3 / 4, 12),
  });
});

test("formatMetrics counts text behind the answer and takes another example and more pictures", () => {
  const text = "The second image shows a fish. <answer>fish</answer> That is all.";
  const metrics = formatMetrics([text], { imageCount: 2, example: "the second image shows a" });
  expect(metrics.afterAnswerRate).toBe(1);
  expect(metrics.leakRate).toBe(0);
  expect(metrics.exampleCopyRate).toBeGreaterThan(0);
});

test("formatMetrics refuses no texts", () => {
  expect(() => formatMetrics([])).toThrow("imagination-prompts.formatMetrics: expected at least one text, got none.");
});
