import { expect, test } from "vitest";
import { formatShare, renderWhiskerChart } from "./whisker-chart.ts";

const mark = { share: 0.4, interval: { low: 0.38125, high: 0.43 } };

test("dot and whiskers lie at their shares", () => {
  const html = renderWhiskerChart([{ label: "before", mark }]);
  expect(html).toContain('<g class="full"><line x1="38.13%" x2="43%" y1="11" y2="11"/>');
  expect(html).toContain('<circle cx="40%" cy="11" r="4"/>');
  expect(html).toContain('aria-label="before: 40.0 % (95 % interval 38.1 % to 43.0 %)"');
  expect(html).toContain('<span class="value">40.0 %</span>');
});

test("with a start, both marks and both figures are there, the start first and hollow", () => {
  const html = renderWhiskerChart([
    { label: "run", from: mark, mark: { share: 0.9, interval: { low: 0.85, high: 0.95 } } },
  ]);
  expect(html).toContain("40.0 % → 90.0 %");
  expect([...html.matchAll(/<g class="(\w+)">/g)].map(([, kind]) => kind)).toEqual(["hollow", "full"]);
  expect([...html.matchAll(/cx="([^"]+)"/g)].map(([, x]) => x)).toEqual(["40%", "90%"]);
  expect(html).toContain(
    "run: from 40.0 % (95 % interval 38.1 % to 43.0 %) to 90.0 % (95 % interval 85.0 % to 95.0 %)",
  );
});

test("what is not finite is said and not drawn; what is beyond the axis ends at it", () => {
  const broken = renderWhiskerChart([{ label: "x", mark: { share: Number.NaN, interval: { low: 0, high: 1 } } }]);
  expect(broken).toContain("not finite");
  expect(broken).not.toMatch(/<circle|NaN/);
  const beyond = renderWhiskerChart([{ label: "x", mark: { share: 1, interval: { low: -0.5, high: 1.5 } } }]);
  expect(beyond).toContain('<line x1="0%" x2="100%"');
});

test("labels are escaped", () => {
  expect(renderWhiskerChart([{ label: '"><script>', mark }])).not.toContain("<script");
});

test("shares have one decimal", () => {
  expect([0, 0.12345, 1, Number.NaN].map(formatShare)).toEqual(["0.0 %", "12.3 %", "100.0 %", "not finite"]);
});
