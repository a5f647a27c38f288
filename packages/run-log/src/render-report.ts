import { escapeHtml } from "./escape-html.ts";
import type { RunReport } from "./report.ts";
import { renderConfiguration, renderCurves, renderEvaluations, renderNotes, renderSamples } from "./report-sections.ts";
import { reportStyle } from "./report-style.ts";

/**
 * One self-contained HTML page: no script, no request (its content policy forbids both), light and dark, phone and laptop.
 * Every text is escaped. Equal reports give equal bytes.
 * @throws invalid-argument for a picture that is not a base64 data address
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
${[renderNotes, renderEvaluations, renderCurves, renderSamples, renderConfiguration]
  .map((render) => render(run))
  .filter((html) => html !== "")
  .join("\n")}
</main>
</body>
</html>
`;
}
