import { expect, test } from "vitest";
import type { ReportSample } from "./report-sample.ts";
import { renderSamples } from "./samples-section.ts";

const sample = (before: boolean, after: boolean): ReportSample => ({
  question: "q",
  transcripts: [
    { label: "before", text: "a", correct: before },
    { label: "after", text: "b", correct: after },
  ],
});
const render = (samples: readonly ReportSample[]) => renderSamples({ samples } as Parameters<typeof renderSamples>[0]);
/** Lists and pages of each card. */
const places = (html: string) => [...html.matchAll(/<article class="sample ([^"]*)"/g)].map(([, classes]) => classes);

test("samples are sorted into lists by how the verdict changed", () => {
  const html = render([sample(false, true), sample(true, false), sample(true, true), sample(false, false)]);
  expect(places(html)).toEqual([
    "improved all-1 improved-1",
    "worsened all-1 worsened-1",
    "unchanged all-1 unchanged-1",
    "unchanged all-1 unchanged-2".replace("-2", "-1"),
  ]);
  for (const text of ["all 4", "improved 1", "worsened 1", "unchanged 2", "↑ improved", "↓ worsened", "= unchanged"])
    expect(html).toContain(text);
});

test("each list has its own pages of six, the first one chosen, and every page a rule that shows it", () => {
  const html = render(Array.from({ length: 15 }, (_, i) => sample(false, i % 2 === 0)));
  expect(places(html).filter((classes) => classes!.includes("all-2"))).toHaveLength(6);
  expect(places(html)[14]).toBe("improved all-3 improved-2");
  for (const page of ["all-1", "all-2", "all-3", "improved-1", "improved-2", "unchanged-2"])
    expect(html).toMatch(
      new RegExp(`:has\\(#show-${page.slice(0, -2)}:checked\\):has\\(#page-${page}:checked\\) \\.${page} {`),
    );
  expect(html).not.toContain("all-4");
  expect([...html.matchAll(/id="(\S+)" checked/g)].map(([, id]) => id)).toEqual([
    "show-all",
    "page-all-1",
    "page-improved-1",
    "page-unchanged-1",
  ]);
  expect(html).toContain('id="show-worsened" disabled');
});

test("one transcript, none, and no picture are shown too", () => {
  const html = render([
    { question: "q", transcripts: [{ label: "now", text: "hm", correct: true }] },
    { question: "r", transcripts: [] },
  ]);
  expect(html).toContain("all 2");
  expect(html).not.toContain('class="pictures"');
  expect(html).not.toContain("heat-legend");
  expect(render([])).toBe("");
});
