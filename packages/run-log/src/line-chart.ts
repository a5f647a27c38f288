import { escapeHtml, formatNumber } from "./escape-html.ts";
import type { ReportCurve, ReportSeries } from "./report.ts";

const [width, height] = [640, 280];
const plot = { left: 64, right: 624, top: 12, bottom: 228 };

interface Axis {
  readonly low: number;
  readonly high: number;
  readonly ticks: readonly number[];
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/** A chart as an SVG element with axes, ticks, a legend and a description for screen readers. */
export function renderLineChart({ title, xLabel = "step", yLabel, series }: ReportCurve): string {
  const points = series.flatMap(({ points }) => points.filter(isFinitePoint));
  if (points.length === 0) return `<p>${escapeHtml(title)}: no finite values.</p>`;
  const xAxis = fitAxis(points.map(({ x }) => x));
  const yAxis = fitAxis(points.map(({ y }) => y));
  const scale = ({ x, y }: Point) => ({
    x: plot.left + ((x - xAxis.low) / (xAxis.high - xAxis.low)) * (plot.right - plot.left),
    y: plot.bottom - ((y - yAxis.low) / (yAxis.high - yAxis.low)) * (plot.bottom - plot.top),
  });
  const left = { x: xAxis.low, y: yAxis.low };
  const parts = [
    ...xAxis.ticks.map((x) => xTick(scale({ ...left, x }).x, formatNumber(x))),
    ...yAxis.ticks.map((y) => yTick(scale({ ...left, y }).y, formatNumber(y))),
    `<text x="${(plot.left + plot.right) / 2}" y="${height - 6}" text-anchor="middle">${escapeHtml(xLabel)}</text>`,
    `<text transform="translate(14 ${(plot.top + plot.bottom) / 2}) rotate(-90)" text-anchor="middle">${escapeHtml(yLabel)}</text>`,
    ...series.map((line, index) => drawSeries(line, index, scale)),
  ];
  const description = `${title}. ${series.map((line) => describeSeries(line, yLabel)).join(" ")}`;
  return (
    `<figure><figcaption>${escapeHtml(title)}${legend(series)}</figcaption>` +
    `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(description)}">${parts.join("")}</svg></figure>`
  );
}

function isFinitePoint(point: { readonly x: number; readonly y: number | null }): point is Point {
  return Number.isFinite(point.x) && Number.isFinite(point.y);
}

/** An axis that holds all values, with three to seven ticks at round numbers. */
function fitAxis(values: readonly number[]): Axis {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
  if (low === high) [low, high] = [low - Math.max(Math.abs(low) / 2, 1e-6), high + Math.max(Math.abs(high) / 2, 1e-6)];
  const rough = (high - low) / 5;
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  const step = magnitude * ([1, 2, 5].find((factor) => factor * magnitude >= rough) ?? 10);
  const ticks: number[] = [];
  for (let i = Math.ceil(low / step); i * step <= high; i++) ticks.push(i * step);
  return { low, high, ticks };
}

function xTick(x: number, label: string): string {
  return (
    `<line class="grid" x1="${coordinate(x)}" x2="${coordinate(x)}" y1="${plot.top}" y2="${plot.bottom}"/>` +
    `<text x="${coordinate(x)}" y="${plot.bottom + 18}" text-anchor="middle">${label}</text>`
  );
}

function yTick(y: number, label: string): string {
  return (
    `<line class="grid" x1="${plot.left}" x2="${plot.right}" y1="${coordinate(y)}" y2="${coordinate(y)}"/>` +
    `<text x="${plot.left - 6}" y="${coordinate(y + 4)}" text-anchor="end">${label}</text>`
  );
}

/** Unbroken stretches as polylines; a stretch of one point, which has no length, as a dot. */
function drawSeries({ points }: ReportSeries, index: number, scale: (point: Point) => Point): string {
  const stretches: Point[][] = [[]];
  for (const point of points) {
    if (isFinitePoint(point)) stretches.at(-1)!.push(scale(point));
    else stretches.push([]);
  }
  const shapes = stretches.map((stretch) => {
    if (stretch.length === 0) return "";
    const [first] = stretch;
    if (stretch.length === 1) return `<circle cx="${coordinate(first!.x)}" cy="${coordinate(first!.y)}" r="3"/>`;
    return `<polyline points="${stretch.map(({ x, y }) => `${coordinate(x)},${coordinate(y)}`).join(" ")}"/>`;
  });
  return `<g class="series-${index % 4}">${shapes.join("")}</g>`;
}

function describeSeries({ label, points }: ReportSeries, yLabel: string): string {
  const finite = points.filter(isFinitePoint);
  if (finite.length === 0) return `${label}: no finite values.`;
  const [first, last] = [finite[0]!, finite.at(-1)!];
  return `${label}: ${yLabel} from ${formatNumber(first.y)} at ${formatNumber(first.x)} to ${formatNumber(last.y)} at ${formatNumber(last.x)}.`;
}

function legend(series: readonly ReportSeries[]): string {
  if (series.length < 2) return "";
  const entries = series.map(
    ({ label }, index) =>
      `<span class="legend"><svg viewBox="0 0 24 8" aria-hidden="true"><g class="series-${index % 4}">` +
      `<polyline points="0,4 24,4"/></g></svg>${escapeHtml(label)}</span>`,
  );
  return `<span class="legends">${entries.join("")}</span>`;
}

function coordinate(value: number): string {
  return String(Math.round(value * 10) / 10);
}
