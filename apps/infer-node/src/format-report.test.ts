import { expect, test } from "vitest";
import { type EvaluationRecord, formatReport } from "./format-report.ts";

const record: EvaluationRecord = {
  mode: "imagine",
  correct: 30,
  total: 40,
  accuracy: 0.75,
  interval: { low: 0.598, high: 0.858 },
  unparsable: 4,
  unparsableRate: 0.1,
  truncatedRate: 0.05,
  meanTokens: 61.24,
  meanPromptTokens: 180,
  categories: {
    docvqa: { correct: 10, total: 10, accuracy: 1, interval: { low: 0.722, high: 1 } },
    gqa: { correct: 20, total: 30, accuracy: 2 / 3, interval: { low: 0.488, high: 0.808 } },
  },
  sourceFingerprint: "a",
  processorFingerprint: "b",
  backend: "wasm",
  seconds: 84,
};

test("every number with its unit, categories below", () => {
  expect(formatReport(record)).toBe(`\
mode        imagine
accuracy    75.0 % (30 of 40), 95 % interval 59.8 to 85.8 %
unparsable  10.0 % (4 of 40)
cut off     5.0 % reached the length limit
tokens      61.2 an answer, 180.0 a prompt (means)
time        1 min 24 s, 2.10 s a question, backend wasm

category  accuracy
docvqa    100.0 % (10 of 10), 95 % interval 72.2 to 100.0 %
gqa       66.7 % (20 of 30), 95 % interval 48.8 to 80.8 %
`);
});

test("mode zoom says how often it zoomed, and that tokens are of both turns", () => {
  const text = formatReport({ ...record, mode: "zoom", zoomedRate: 0.975 });
  expect(text).toContain("\nzoomed      97.5 % named a region and answered again\n");
  expect(text).toContain("\ntokens      61.2 an answer, 180.0 a prompt (means, both turns)\n");
});

test("without categories there is no table, and short times have a decimal", () => {
  const text = formatReport({ ...record, categories: {}, seconds: 4.25 });
  expect(text).not.toContain("category");
  expect(text).toMatch(/time {8}4\.3 s, 0\.11 s a question, backend wasm\n$/);
});
