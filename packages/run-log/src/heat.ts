import { escapeHtml } from "./escape-html.ts";
import type { ReportToken } from "./report-sample.ts";

/** Levels of strength on each side of 0; the strongest begins at {@link fullStrength}. */
const levels = 6;
/** Nats. */
const fullStrength = 3;

/**
 * The class of a log-ratio: `m1` … `m6` where the teacher finds the token more probable than the student, `l1` … `l6`
 * where it finds it less probable, by half a nat a level; none within a quarter nat of 0, and none for what is not finite.
 */
export function heatClass(logRatio: number): string {
  const level = Math.min(Math.round((Math.abs(logRatio) / fullStrength) * levels), levels);
  return level > 0 ? `${logRatio > 0 ? "m" : "l"}${level}` : "";
}

/** A token coloured by log-prob(teacher) - log-prob(student), with the log-probs on hover; the space before it stays plain. */
export function renderHeat({ text, student }: ReportToken, teacher: number): string {
  const kind = heatClass(teacher - student);
  const [, space, rest] = /^(\s*)(.*)$/s.exec(text)!;
  if (rest === "") return text;
  const title = `student ${student.toFixed(2)}, teacher ${teacher.toFixed(2)}: ${signed(teacher - student)} nats`;
  return `${space}<i${kind === "" ? "" : ` class="${kind}"`} title="${title}">${escapeHtml(rest!)}</i>`;
}

/** Two decimals with the sign, so that direction does not depend on colour. */
export function signed(value: number): string {
  return `${value > 0 ? "+" : ""}${value.toFixed(2)}`;
}

/** The scale in words and colours. */
export function renderHeatLegend(): string {
  const swatches = [-3, -1.5, 0, 1.5, 3].map((ratio) => {
    const kind = heatClass(ratio);
    return `<i${kind === "" ? "" : ` class="${kind}"`}>${ratio > 0 ? "+" : ""}${String(ratio).replace("-", "−")}</i>`;
  });
  return (
    `<p class="heat-legend">Colour: log-prob(teacher) − log-prob(student) of each token, nats. ` +
    `<span>less probable for the teacher, dotted ${swatches.join("")} more probable, solid line</span></p>`
  );
}

/** Styles of the classes: tint by level, kind of line by direction. */
export const heatStyle = [1, 2, 3, 4, 5, 6]
  .map(
    (level) =>
      `.m${level} { background: rgba(var(--more), ${(level * 0.09).toFixed(2)}); } ` +
      `.l${level} { background: rgba(var(--less), ${(level * 0.09).toFixed(2)}); }`,
  )
  .join("\n");
