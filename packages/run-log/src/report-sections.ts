import { escapeHtml } from "./escape-html.ts";
import { renderLineChart } from "./line-chart.ts";
import type { RunReport } from "./report.ts";
import { renderSection } from "./report-parts.ts";

/** What must be read before everything else. */
export function renderWarnings({ warnings }: RunReport): string {
  return renderSection("Warnings", renderList(warnings, "notes"));
}

/** The honest statements and the declared deviations. */
export function renderStatements({ statements = [], deviations }: RunReport): string {
  const entries = statements.map(
    ({ about, text }) => `<div><dt>${escapeHtml(about)}</dt><dd>${escapeHtml(text)}</dd></div>`,
  );
  const declared =
    deviations.length === 0
      ? ""
      : `<div><dt>Deviations from the preset</dt><dd>${renderList(deviations, "declared")}</dd></div>`;
  const content = entries.join("") + declared;
  return renderSection("What these figures are", content === "" ? "" : `<dl class="statements">${content}</dl>`);
}

export function renderCurves({ curves }: RunReport): string {
  const charts = curves.map(renderLineChart).join("");
  return renderSection("Curves", charts === "" ? "" : `<div class="charts">${charts}</div>`);
}

export function renderConfiguration({ configuration }: RunReport): string {
  const rows = Object.entries(configuration).map(
    ([name, value]) => `<tr><th scope="row">${escapeHtml(name)}</th><td>${escapeHtml(String(value))}</td></tr>`,
  );
  return renderSection(
    "Configuration",
    rows.length === 0 ? "" : `<table class="configuration"><tbody>${rows.join("")}</tbody></table>`,
  );
}

function renderList(notes: readonly string[], kind: string): string {
  return notes.length === 0
    ? ""
    : `<ul class="${kind}">${notes.map((note) => `<li>${escapeHtml(note)}</li>`).join("")}</ul>`;
}
