import { escapeHtml } from "./escape-html.ts";
import type { ShareInterval } from "./report.ts";

/** A share with its interval. */
export interface WhiskerMark {
  readonly share: number;
  readonly interval: ShareInterval;
}

/** A row of the chart. */
export interface WhiskerRow {
  readonly label: string;
  readonly mark: WhiskerMark;
  /** Drawn hollow, with an arrow from it to the mark. @default none */
  readonly from?: WhiskerMark;
}

const trackHeight = 22;
const middle = trackHeight / 2;
const ticks = [0, 25, 50, 75, 100];

/**
 * Shares as dots with their intervals as whiskers, one row each, on an axis from 0 to 100 %. Positions are percentages, so
 * dots stay round and text keeps its size at every width.
 */
export function renderWhiskerChart(rows: readonly WhiskerRow[]): string {
  const axis = ticks.map((tick) => `<span style="left:${tick}%">${tick}${tick === 100 ? " %" : ""}</span>`);
  return `<ul class="whiskers">${rows.map(renderRow).join("")}<li class="axis" aria-hidden="true">${axis.join("")}</li></ul>`;
}

function renderRow({ label, mark, from }: WhiskerRow, index: number): string {
  const values =
    from === undefined ? formatShare(mark.share) : `${formatShare(from.share)} → ${formatShare(mark.share)}`;
  const description = `${from === undefined ? "" : `from ${describeMark(from)} to `}${describeMark(mark)}`;
  const grid = ticks.map((tick) => `<line class="grid" x1="${tick}%" x2="${tick}%" y1="0" y2="${trackHeight}"/>`);
  return (
    `<li class="series-${index % 4}"><span class="name">${escapeHtml(label)}</span><span class="value">${values}</span>` +
    `<svg width="100%" height="${trackHeight}" role="img" aria-label="${escapeHtml(`${label}: ${description}`)}">` +
    `<title>${escapeHtml(`${label}: ${description}`)}</title>` +
    `${grid.join("")}${from === undefined ? "" : drawMark(from, "hollow")}${drawMark(mark, "full")}</svg></li>`
  );
}

/** Nothing where a number is missing: the row's text says so. */
function drawMark({ share, interval }: WhiskerMark, kind: "hollow" | "full"): string {
  if (![share, interval.low, interval.high].every(Number.isFinite)) return "";
  const [x, low, high] = [share, interval.low, interval.high].map(toPercent);
  const reach = kind === "full" ? 7 : 5;
  const end = (at: string) => `<line x1="${at}" x2="${at}" y1="${middle - reach}" y2="${middle + reach}"/>`;
  return (
    `<g class="${kind}"><line x1="${low}" x2="${high}" y1="${middle}" y2="${middle}"/>${end(low!)}${end(high!)}` +
    `<circle cx="${x}" cy="${middle}" r="4"/></g>`
  );
}

function describeMark({ share, interval }: WhiskerMark): string {
  return `${formatShare(share)} (95 % interval ${formatShare(interval.low)} to ${formatShare(interval.high)})`;
}

function toPercent(share: number): string {
  return `${Math.round(10_000 * Math.min(Math.max(share, 0), 1)) / 100}%`;
}

/** A share for people; what is not finite is called so. */
export function formatShare(share: number): string {
  return Number.isFinite(share) ? `${(100 * share).toFixed(1)} %` : "not finite";
}
