import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { formatEvaluations, formatSampleLine } from "@imagine-opd/run-log";
import { afterAll, beforeAll, expect, test } from "vitest";

const program = fileURLToPath(new URL("./recount.mjs", import.meta.url));
let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "recount-"));
});
afterAll(() => rmSync(directory, { recursive: true }));

const texts = {
  before: ["<answer>3</answer> no, <answer>4</answer>", "3", "<ANSWER> 3 </ANSWER>"],
  after: ["<answer>3</answer>", "<answer>3", "<answer>3.</answer>"],
};

function recount(accuracies: { readonly before: number; readonly after: number }) {
  const labels = ["before", "after"] as const;
  const lines = labels.flatMap((evaluation) =>
    texts[evaluation].map((text, i) =>
      formatSampleLine({
        evaluation,
        recordId: `signs:${i}`,
        question: "q",
        reference: "3",
        text,
        correct: false, // the recount must not look at it
        tokens: 3,
      }),
    ),
  );
  const evaluations = labels.map((label) => ({
    label,
    accuracy: accuracies[label],
    interval: { low: 0, high: 1 },
    total: 3,
    unparsableRate: 0,
    meanTokens: 3,
  }));
  writeFileSync(join(directory, "samples.jsonl"), `${lines.join("\n")}\n`);
  writeFileSync(join(directory, "evaluations.json"), formatEvaluations(evaluations));
  const { status, stdout } = spawnSync(process.execPath, [program, directory], { encoding: "utf8" });
  return { status, lines: stdout.trimEnd().split("\n") };
}

test("the last tag alone counts, whatever the sample says of itself", () => {
  expect(recount({ before: 1 / 3, after: 1 })).toEqual({
    status: 0,
    lines: ["before: 1 of 3, 0.3333333333333333; report: 0.3333333333333333 of 3", "after: 3 of 3, 1; report: 1 of 3"],
  });
});

test("a report that says otherwise is told of, and the exit code is 1", () => {
  expect(recount({ before: 2 / 3, after: 1 })).toEqual({
    status: 1,
    lines: ["before: 1 of 3, 0.3333333333333333; report: 0.6666666666666666 of 3", "after: 3 of 3, 1; report: 1 of 3"],
  });
});
