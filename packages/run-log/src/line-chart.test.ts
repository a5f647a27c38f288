import { expect, test } from "vitest";
import { renderLineChart } from "./line-chart.ts";

const chart = (...ys: (number | null)[]) =>
  renderLineChart({
    title: "Loss",
    yLabel: "nats",
    series: [{ label: "loss", points: ys.map((y, x) => ({ x, y })) }],
  });

const logChart = (...ys: (number | null)[]) =>
  renderLineChart({
    title: "Norm",
    yLabel: "norm",
    scale: "log",
    series: [{ label: "norm", points: ys.map((y, x) => ({ x, y })) }],
  });

test("the extremes lie on the corners of the plot", () => {
  expect(chart(0, 10, 5)).toContain('<polyline points="56,206 228,10 400,108"/>');
});

test("on a logarithmic axis equal factors are equal distances, and what has no place is counted", () => {
  const svg = logChart(1, 10, 100, 0, -2);
  expect(svg).toContain('<polyline points="56,206 228,108 400,10"/>');
  expect(svg).toContain("logarithmic axis; 2 values of 0 or below left out");
  expect(logChart(0, -1)).toBe("<p>Norm: no finite values.</p>");
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
  for (const svg of [chart(3), chart(3, 3, 3), chart(0, 0), chart(-2e-9), logChart(5), logChart(1e-300, 1e300)]) {
    expect(svg).toMatch(/<(polyline|circle) /);
    expect(svg).not.toMatch(/NaN|Infinity/);
  }
  expect(chart()).toBe("<p>Loss: no finite values.</p>");
  expect(chart(null, Infinity)).toBe("<p>Loss: no finite values.</p>");
});

test("strips over the plot name the values under the pointer and cover it without gaps", () => {
  const strips = [
    ...chart(4, 2, 1).matchAll(/<rect class="hover" x="([\d.]+)"[^>]* width="([\d.]+)"[^>]*><title>([^<]*)</g),
  ];
  expect(strips.map(([, x, width, title]) => [Number(x), Number(width), title])).toEqual([
    [56, 86, "step 0\nloss: 4\n(nats)"],
    [142, 172, "step 1\nloss: 2\n(nats)"],
    [314, 86, "step 2\nloss: 1\n(nats)"],
  ]);
  expect(chart(...Array.from({ length: 1000 }, (_, i) => i)).match(/class="hover"/g)!.length).toBeLessThanOrEqual(80);
});

test("a long line is thin, with the mean of neighbours on top", () => {
  const long = chart(...Array.from({ length: 100 }, (_, i) => i % 2));
  expect(long).toContain('<g class="raw">');
  expect(long).toContain("thick: mean of 7 points"); // 100 / 40, rounded, on each side
  expect(long.match(/<polyline points="[\d., -]+"\/>/g)).toHaveLength(2);
  expect(chart(1, 2, 3)).not.toContain("raw");
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
