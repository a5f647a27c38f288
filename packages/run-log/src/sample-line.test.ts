import { expect, test } from "vitest";
import { formatEvaluations } from "./evaluations-file.ts";
import { formatSampleLine, readSamples, type SampleEntry } from "./sample-line.ts";

const entry: SampleEntry = {
  evaluation: "after",
  recordId: "signs:1",
  question: "what\ndigit?",
  reference: "3",
  text: "<answer>3</answer>",
  answer: "3",
  correct: true,
  tokens: 7,
  located: true,
};

test("one line each, a missing answer is null", () => {
  expect(formatSampleLine(entry)).toBe(
    '{"evaluation":"after","recordId":"signs:1","question":"what\\ndigit?","reference":"3",' +
      '"text":"<answer>3</answer>","answer":"3","correct":true,"tokens":7,"located":true}',
  );
  const { answer: _, ...silent } = { ...entry, correct: false };
  expect(formatSampleLine(silent)).toContain('"answer":null');
  expect(readSamples(`${formatSampleLine(entry)}\n${formatSampleLine(silent)}\n`)).toEqual([entry, silent]);
});

test.each(["{", "3", "null", '{"evaluation":"a"}', formatSampleLine(entry).replace("true", '"yes"')])(
  "the line %s is refused by its number",
  (line) => {
    expect(() => readSamples(`${formatSampleLine(entry)}\n${line}`)).toThrow(
      "run-log.readSamples: line 2 is not a sample of an evaluation",
    );
  },
);

test("the headline figures alone go into evaluations.json", () => {
  const report = {
    label: "after",
    role: "after" as const,
    accuracy: 0.5,
    interval: { low: 0.1, high: 0.9 },
    total: 2,
    unparsableRate: 0,
    meanTokens: 7,
    samples: [1, 2, 3],
  };
  const { samples: _, ...figures } = report;
  expect(JSON.parse(formatEvaluations([report]))).toEqual([figures]);
  expect(formatEvaluations([])).toBe("[]\n");
});
