import { type Axis, fitAxis } from "./chart-axis.ts";
import { escapeHtml, formatNumber } from "./escape-html.ts";
import { movingMean, type Point } from "./moving-mean.ts";
import type { ReportCurve, ReportSeries } from "./report.ts";

// Narrow, so that its text stays readable when a phone shows the whole chart.
const [width, height] = [420, 250];
const plot = { left: 56, right: 400, top: 10, bottom: 206 };
/** Lines with more points than this are drawn thin, with their moving mean on top. */
const mostPlainPoints = 60;
const mostHoverStrips = 80;

interface Axes {
  readonly x: Axis;
  readonly y: Axis;
}

/** A chart as an SVG element with axes, ticks, values on hover, a legend and a description for screen readers. */
export function renderLineChart(curve: ReportCurve): string {
  const { title, xLabel = "step", yLabel, scale = "linear" } = curve;
  const drawable = (point: { x: number; y: number | null }): point is Point =>
    Number.isFinite(point.x) && Number.isFinite(point.y) && (scale === "linear" || point.y! > 0);
  const series = curve.series.map(({ label, points }) => ({ label, stretches: splitAtGaps(points, drawable) }));
  const points = series.flatMap(({ stretches }) => stretches.flat());
  if (points.length === 0) return `<p>${escapeHtml(title)}: no finite values.</p>`;
  const [xs, ys] = [points.map(({ x }) => x), points.map(({ y }) => y)];
  const axes: Axes = { x: fitAxis(xs, "linear"), y: fitAxis(ys, scale) };
  const reach = chooseReach(series.map(({ stretches }) => stretches.flat().length));
  const parts = [
    ...axes.x.ticks.map((x) => xTick(toX(axes, x), formatNumber(x))),
    ...axes.y.ticks.map((y) => yTick(toY(axes, y), formatNumber(y))),
    `<text x="${(plot.left + plot.right) / 2}" y="${height - 6}" text-anchor="middle">${escapeHtml(xLabel)}</text>`,
    `<text transform="translate(12 ${(plot.top + plot.bottom) / 2}) rotate(-90)" text-anchor="middle">${escapeHtml(yLabel)}</text>`,
    ...series.map(({ stretches }, index) => drawSeries(stretches, index, axes, reach)),
    ...hoverStrips(curve, xs, axes),
  ];
  const lines = series.map(({ label, stretches }) => describeSeries(label, stretches.flat(), yLabel));
  return (
    `<figure><figcaption><strong>${escapeHtml(title)}</strong>${legend(curve.series)}${noteReading(curve, reach)}</figcaption>` +
    `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(`${title}. ${lines.join(" ")}`)}">` +
    `${parts.join("")}</svg></figure>`
  );
}

/** What a reader must know of the axis and the lines. */
function noteReading({ scale, series }: ReportCurve, reach: number): string {
  const notes = [
    ...(scale === "log" ? ["logarithmic axis", ...leftOut(series)] : []),
    ...(reach > 0 ? [`thick: mean of ${2 * reach + 1} points`] : []),
  ];
  return notes.length === 0 ? "" : ` <small>${notes.join("; ")}</small>`;
}

function splitAtGaps(
  points: ReportSeries["points"],
  drawable: (point: { x: number; y: number | null }) => point is Point,
): Point[][] {
  const stretches: Point[][] = [[]];
  for (const point of points) {
    if (drawable(point)) stretches.at(-1)!.push(point);
    else stretches.push([]);
  }
  return stretches.filter((stretch) => stretch.length > 0);
}

/** Neighbours on each side that go into the moving mean: a twentieth of the longest line in all; 0 for short lines. */
function chooseReach(lengths: readonly number[]): number {
  const longest = Math.max(...lengths);
  return longest > mostPlainPoints ? Math.round(longest / 40) : 0;
}

function toX({ x }: Axes, value: number): number {
  return plot.left + x.position(value) * (plot.right - plot.left);
}

function toY({ y }: Axes, value: number): number {
  return plot.bottom - y.position(value) * (plot.bottom - plot.top);
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
function drawSeries(stretches: readonly Point[][], index: number, axes: Axes, reach: number): string {
  const draw = (stretch: readonly Point[]): string => {
    const [first] = stretch;
    if (stretch.length === 1)
      return `<circle cx="${coordinate(toX(axes, first!.x))}" cy="${coordinate(toY(axes, first!.y))}" r="3"/>`;
    return `<polyline points="${stretch.map(({ x, y }) => `${coordinate(toX(axes, x))},${coordinate(toY(axes, y))}`).join(" ")}"/>`;
  };
  const plain = stretches.map(draw).join("");
  if (reach === 0) return `<g class="series-${index % 4}">${plain}</g>`;
  const means = stretches.map((stretch) => draw(movingMean(stretch, reach))).join("");
  return `<g class="series-${index % 4}"><g class="raw">${plain}</g>${means}</g>`;
}

/** Invisible strips over the plot that name the values under the pointer. */
function hoverStrips({ xLabel = "step", yLabel, series }: ReportCurve, xs: readonly number[], axes: Axes): string[] {
  const all = [...new Set(xs)].sort((a, b) => a - b);
  const every = Math.ceil(all.length / mostHoverStrips);
  const shown = all.filter((_, index) => index % every === 0);
  const middles = shown.map((x) => toX(axes, x));
  return shown.map((x, index) => {
    const from = index === 0 ? plot.left : (middles[index - 1]! + middles[index]!) / 2;
    const to = index === shown.length - 1 ? plot.right : (middles[index]! + middles[index + 1]!) / 2;
    const values = series.flatMap(({ label, points: own }) => {
      const y = own.find((point) => point.x === x)?.y;
      return Number.isFinite(y) ? [`${label}: ${formatNumber(y!)}`] : [];
    });
    return (
      `<rect class="hover" x="${coordinate(from)}" y="${plot.top}" width="${coordinate(to - from)}" height="${plot.bottom - plot.top}">` +
      `<title>${escapeHtml(`${xLabel} ${formatNumber(x)}\n${values.join("\n")}\n(${yLabel})`)}</title></rect>`
    );
  });
}

function describeSeries(label: string, points: readonly Point[], yLabel: string): string {
  if (points.length === 0) return `${label}: no finite values.`;
  const [first, last] = [points[0]!, points.at(-1)!];
  return `${label}: ${yLabel} from ${formatNumber(first.y)} at ${formatNumber(first.x)} to ${formatNumber(last.y)} at ${formatNumber(last.x)}.`;
}

/** A logarithmic axis has no place for zero and below; what is missing is counted. */
function leftOut(series: readonly ReportSeries[]): string[] {
  const count = series.flatMap(({ points }) => points).filter(({ y }) => Number.isFinite(y) && y! <= 0).length;
  return count === 0 ? [] : [`${count} values of 0 or below left out`];
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
