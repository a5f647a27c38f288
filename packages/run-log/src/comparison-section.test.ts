import { expect, test } from "vitest";
import { renderComparisons } from "./comparison-section.ts";
import type { ReportComparison, RunReport } from "./report.ts";

const share = (accuracy: number) => ({ accuracy, interval: { low: accuracy - 0.05, high: accuracy + 0.05 } });
const render = (...comparisons: ReportComparison[]) => renderComparisons({ comparisons } as unknown as RunReport);
const texts = (html: string) => [...html.matchAll(/<t[dh](?: [^>]*)?>([^<]*)/g)].map(([, text]) => text);

test("every run has its marks and its line", () => {
  const html = render({
    title: "Controls",
    note: "Same start.",
    distancePer: "token",
    runs: [
      { name: "true view", before: share(0.4), after: share(0.8), distance: { before: 2, after: 0.5 }, steps: 300 },
      { name: "wrong view", after: share(0.2), remark: "harms", distance: { before: 2, after: 3 } },
    ],
  });
  expect([...html.matchAll(/cx="([^"]+)"/g)].map(([, x]) => x)).toEqual(["40%", "80%", "20%"]);
  expect(texts(html)).toEqual([
    ...["run", "before", "after", "KL, nats/token", "KL gap", "steps", "remark"],
    ...["true view", "40.0 % (35.0 % to 45.0 %)", "80.0 % (75.0 % to 85.0 %)", "2 → 0.5", "75.0 % closed", "300", ""],
    ...["wrong view", "–", "20.0 % (15.0 % to 25.0 %)", "2 → 3", "1.5 × as wide", "–", "harms"],
  ]);
});

test("columns that no run fills are left out, and so are empty panels", () => {
  expect(texts(render({ title: "T", runs: [{ name: "a", after: share(0.5) }] }))).toEqual([
    "run",
    "after",
    "a",
    "50.0 % (45.0 % to 55.0 %)",
  ]);
  expect(render({ title: "T", runs: [] })).toBe("");
  expect(renderComparisons({} as RunReport)).toBe("");
});
