import { renderComparisons } from "./comparison-section.ts";
import { escapeHtml } from "./escape-html.ts";
import { renderHeadline } from "./headline-section.ts";
import type { RunReport } from "./report.ts";
import { renderConfiguration, renderCurves, renderStatements, renderWarnings } from "./report-sections.ts";
import { reportStyle } from "./report-style.ts";
import { renderSamples } from "./samples-section.ts";

const sections: readonly ((run: RunReport) => string)[] = [
  renderWarnings,
  renderHeadline,
  renderStatements,
  renderComparisons,
  renderSamples,
  renderCurves,
  renderConfiguration,
];

/**
 * One self-contained HTML page: no script, no request (its content policy forbids both), light and dark, phone and laptop.
 * Every text is escaped. Equal reports give equal bytes.
 * @throws invalid-argument for a picture that is not a base64 data address, a box without area, tokens that are not the
 * text, or a control that scores others
 */
export function renderReport(run: RunReport): string {
  const summary = run.summary === undefined ? "" : `<p class="quiet">${escapeHtml(run.summary)}</p>`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>${escapeHtml(run.title)}</title>
<style>${reportStyle}</style>
</head>
<body>
<header><h1>${escapeHtml(run.title)}</h1>${summary}</header>
<main>
${sections
  .map((render) => render(run))
  .filter((html) => html !== "")
  .join("\n")}
</main>
</body>
</html>
`;
}
