import { expect, test } from "vitest";
import { renderLineChart } from "./line-chart.ts";

const chart = (...ys: (number | null)[]) =>
  renderLineChart({
    title: "Loss",
    yLabel: "nats",
    series: [{ label: "loss", points: ys.map((y, x) => ({ x, y })) }],
  });

test("the extremes lie on the corners of the plot", () => {
  expect(chart(0, 10, 5)).toContain('<polyline points="64,228 344,12 624,120"/>');
});

test("ticks stand at round numbers and carry labels", () => {
  const labels = [...chart(0, 10).matchAll(/text-anchor="end">([^<]*)</g)].map(([, label]) => label);
  expect(labels).toEqual(["0", "2", "4", "6", "8", "10"]);
  expect(chart(0, 10)).toContain(">step</text>");
  expect(chart(0, 10)).toContain(">nats</text>");
});

test("a value that was not finite leaves a gap, a lone value is a dot", () => {
  const svg = chart(0, 1, null, 2, Number.NaN, 3, 4);
  expect(svg.match(/<polyline points="[\d., ]+"\/>/g)).toHaveLength(2);
  expect(svg.match(/<circle /g)).toHaveLength(1);
});

test("one value, equal values and no value are drawn without NaN", () => {
  for (const svg of [chart(3), chart(3, 3, 3), chart(0, 0), chart(-2e-9)]) {
    expect(svg).toMatch(/<(polyline|circle) /);
    expect(svg).not.toMatch(/NaN|Infinity/);
  }
  expect(chart()).toBe("<p>Loss: no finite values.</p>");
  expect(chart(null, Infinity)).toBe("<p>Loss: no finite values.</p>");
});

test("the chart says in words what it shows", () => {
  expect(chart(4, 2.5)).toContain('role="img" aria-label="Loss. loss: nats from 4 at 0 to 2.5 at 1."');
});

test("several series get a legend, and their names are escaped", () => {
  const series = ["a<b", "c"].map((label) => ({ label, points: [{ x: 0, y: 1 }] }));
  const svg = renderLineChart({ title: "T", yLabel: "y", series });
  expect(svg).toContain('class="legend"');
  expect(svg).toContain("a&lt;b");
  expect(svg).not.toContain("a<b");
});
