import { expect, test } from "vitest";
import { describeClosing, renderHeadline } from "./headline-section.ts";
import type { ReportEvaluation, RunReport } from "./report.ts";

const row = (role: ReportEvaluation["role"], accuracy: number, more: object = {}): ReportEvaluation => ({
  label: `row ${role}`,
  ...(role !== undefined && { role }),
  accuracy,
  interval: { low: accuracy - 0.02, high: accuracy + 0.02 },
  total: 1500,
  unparsableRate: 0.01,
  meanTokens: 23.25,
  ...more,
});
const render = (run: Partial<RunReport>) => renderHeadline({ evaluations: [], ...run } as RunReport);
const figures = (html: string) =>
  [...html.matchAll(/<dt>([^<]*)<\/dt><dd><b>([^<]*)<\/b><span class="quiet">([^<]*)</g)].map(([, ...texts]) => texts);

test("accuracy, its gap, the KL and its gap", () => {
  const html = render({
    evaluations: [row("before", 0.4), row("after", 0.8), row("teacher", 0.9)],
    distance: { before: 4, after: 1, per: "completion", measuredOn: "256 scenes" },
  });
  expect(figures(html)).toEqual([
    ["accuracy", "40.0 % → 80.0 %", "before → after"],
    ["accuracy gap to the teacher", "80.0 %", "of the gap closed"],
    ["KL to the teacher, nats/completion", "4 → 1", "before → after"],
    ["KL gap to the teacher", "75.0 %", "of the gap closed"],
  ]);
  expect(html).toContain("measured on 256 scenes");
});

test("what the KL is measured per is escaped wherever it stands", () => {
  const per = "<b>step</b>" as "token"; // a value of a caller without types
  const html = render({ distance: { before: 4, after: 1, per, measuredOn: "256 scenes" } });
  expect(html).not.toContain(per);
  expect(html).toContain("<dt>KL to the teacher, nats/&lt;b&gt;step&lt;/b&gt;</dt>");
  expect(html).toContain("in nats per &lt;b&gt;step&lt;/b&gt;, measured on 256 scenes.");
});

test("closing: the whole, nothing to close, wider than before, not finite", () => {
  expect(describeClosing(2, 0)).toEqual(["100.0 %", "of the gap closed"]);
  expect(describeClosing(0.5, -0.1)).toEqual(["120.0 %", "of the gap closed"]);
  expect(describeClosing(0, 1)).toEqual(["no gap", "there was nothing to close"]);
  expect(describeClosing(2, 190)).toEqual(["95 ×", "as wide as before"]);
  expect(describeClosing(Number.NaN, 1)).toEqual(["not finite", "no share can be told"]);
});

test("without roles, or with two of one, no figure is derived", () => {
  expect(
    figures(render({ evaluations: [row(undefined, 0.4), row("before", 0.5), row("before", 0.6), row("after", 1)] })),
  ).toEqual([]);
  expect(figures(render({ evaluations: [row("before", 0.4), row("after", 0.3)] }))).toHaveLength(1);
});

test("columns of rates appear where a row has them, with a dash for the others", () => {
  const html = render({ evaluations: [row("before", 0.4, { locatedRate: 0.99 }), row("after", 0.8)] });
  expect(html).toContain("right place named");
  expect(html).not.toContain("right evidence stated");
  const cells = html
    .split("<tbody>")[1]!
    .split("</tr>")
    .map((line) => [...line.matchAll(/<td[^>]*>([^<]*)/g)].map(([, cell]) => cell));
  expect(cells.slice(0, 2)).toEqual([
    ["40.0 %", "38.0 % to 42.0 %", "1.0 %", "23.25", "99.0 %", "1500"],
    ["80.0 %", "78.0 % to 82.0 %", "1.0 %", "23.25", "–", "1500"],
  ]);
  expect(html).toContain('cx="80%"');
});
