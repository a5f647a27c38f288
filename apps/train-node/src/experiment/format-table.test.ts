import { expect, test } from "vitest";
import { closedShare, formatGaps, formatTable } from "./format-table.ts";

const row = (label: string, role: "before" | "after" | "teacher", accuracy: number) => ({
  label,
  role,
  accuracy,
  interval: { low: accuracy - 0.03, high: accuracy + 0.03 },
  total: 1000,
  unparsableRate: 0,
  meanTokens: 23.04,
  locatedRate: 0.994,
  evidenceRate: accuracy,
});
const rows = [
  row("student before", "before", 0.3),
  row("teacher", "teacher", 0.9),
  row("student after", "after", 0.75),
];

test("columns stand under each other", () => {
  expect(formatTable(rows.slice(0, 2))).toBe(
    [
      "                 accuracy     95 % interval   place named   digits read   tokens   scenes",
      "student before     30.0 %   27.0 % … 33.0 %        99.4 %        30.0 %     23.0     1000",
      "teacher            90.0 %   87.0 % … 93.0 %        99.4 %        90.0 %     23.0     1000",
      "",
    ].join("\n"),
  );
});

test("gaps are shares of the way to the teacher", () => {
  expect(closedShare(0.3, 0.75, 0.9)).toBeCloseTo(0.75, 12);
  expect(closedShare(4, 1, 0)).toBeCloseTo(0.75, 12);
  expect(closedShare(0, 1, 0)).toBeUndefined();
  expect(formatGaps(rows, { before: 4, after: 1 })).toBe(
    "accuracy gap to the teacher closed: 75.0 %; KL to the teacher 4.00 → 1.00 nats a completion: 75.0 % closed\n",
  );
});
