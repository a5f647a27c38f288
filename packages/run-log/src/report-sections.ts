import { ImagineOpdError } from "@imagine-opd/protocol";
import { escapeHtml, formatNumber } from "./escape-html.ts";
import { renderLineChart } from "./line-chart.ts";
import type { ReportSample, ReportToken, ReportTranscript, RunReport } from "./report.ts";

/** Warnings and declared deviations, before everything else. */
export function renderNotes({ warnings, deviations }: RunReport): string {
  const list = (notes: readonly string[], kind: string) =>
    `<ul class="notes ${kind}">${notes.map((note) => `<li>${escapeHtml(note)}</li>`).join("")}</ul>`;
  return (
    section("Warnings", warnings.length === 0 ? "" : list(warnings, "")) +
    section("Deviations from the preset", deviations.length === 0 ? "" : list(deviations, "declared"))
  );
}

/** Accuracy with its interval, unparsable answers and tokens. */
export function renderEvaluations({ evaluations }: RunReport): string {
  if (evaluations.length === 0) return "";
  const rows = evaluations.map(
    ({ label, accuracy, interval, total, unparsableRate, meanTokens }) =>
      `<tr><th scope="row">${escapeHtml(label)}</th>` +
      [
        percent(accuracy),
        `${percent(interval.low)} to ${percent(interval.high)}`,
        percent(unparsableRate),
        formatNumber(meanTokens),
        String(total),
      ]
        .map((cell) => `<td class="number">${cell}</td>`)
        .join("") +
      "</tr>",
  );
  const heads = ["accuracy", "95 % interval", "unparsable", "mean tokens", "questions"]
    .map((name) => `<th scope="col" class="number">${name}</th>`)
    .join("");
  return section(
    "Before and after",
    `<div class="scroll"><table><thead><tr><th scope="col">evaluation</th>${heads}</tr></thead><tbody>${rows.join("")}</tbody></table></div>`,
  );
}

export function renderCurves({ curves }: RunReport): string {
  return section(
    "Curves",
    curves.length === 0 ? "" : `<div class="charts">${curves.map(renderLineChart).join("")}</div>`,
  );
}

export function renderConfiguration({ configuration }: RunReport): string {
  const rows = Object.entries(configuration).map(
    ([name, value]) => `<tr><th scope="row">${escapeHtml(name)}</th><td>${escapeHtml(String(value))}</td></tr>`,
  );
  return section(
    "Configuration",
    rows.length === 0 ? "" : `<div class="scroll"><table><tbody>${rows.join("")}</tbody></table></div>`,
  );
}

/** Pictures with the completions of different times; tokens coloured where the teacher disagrees. */
export function renderSamples({ samples }: RunReport): string {
  const coloured = samples.some(({ transcripts }) => transcripts.some(({ tokens }) => tokens !== undefined));
  const key = coloured
    ? `<p class="quiet">Green: the teacher finds the token more probable than the student does. Red, underlined: less probable.</p>`
    : "";
  return section("Transcripts", samples.length === 0 ? "" : key + samples.map(renderSample).join(""));
}

function renderSample({ image, question, reference, transcripts }: ReportSample, index: number): string {
  const picture =
    image === undefined ? "" : `<div><img src="${checkPicture(image, index)}" alt="Picture of the question"></div>`;
  const labelled = reference === undefined ? "" : `<p class="quiet">labelled answer: ${escapeHtml(reference)}</p>`;
  return (
    `<article class="sample${image === undefined ? "" : " pictured"}">${picture}<div><h3>${escapeHtml(question)}</h3>${labelled}` +
    `${transcripts.map(renderTranscript).join("")}</div></article>`
  );
}

function renderTranscript({ label, text, answer, correct, tokens }: ReportTranscript): string {
  const verdict = answer === undefined ? "no readable answer" : `${answer}, ${correct ? "right" : "wrong"}`;
  return (
    `<div class="transcript"><strong>${escapeHtml(label)}</strong>: ` +
    `<span class="${correct ? "right" : "wrong"}">${escapeHtml(verdict)}</span>` +
    `<p>${tokens === undefined ? escapeHtml(text) : tokens.map(renderToken).join("")}</p></div>`
  );
}

/** Full strength at 2 nats. */
function renderToken({ text, logRatio }: ReportToken): string {
  const strength = Math.round(50 * Math.min(Math.abs(logRatio) / 2, 1)) / 100;
  if (!(strength > 0)) return escapeHtml(text);
  const sign = logRatio > 0 ? "+" : "";
  return (
    `<span class="token ${logRatio > 0 ? "more" : "less"}" style="--strength:${strength}" ` +
    `title="${sign}${formatNumber(logRatio)} nats">${escapeHtml(text)}</span>`
  );
}

/** Only pictures that stand in the page itself: a report makes no request. */
function checkPicture(image: string, index: number): string {
  if (/^data:image\/(?:png|jpeg|webp);base64,[A-Za-z0-9+/]+=*$/.test(image)) return image;
  throw new ImagineOpdError("invalid-argument", {
    where: "run-log.renderReport",
    problem: `samples[${index}].image must be a PNG, JPEG or WebP picture as a base64 data address, got "${image.slice(0, 40)}".`,
    remedy: "Encode the picture, or leave it out.",
  });
}

function section(title: string, content: string): string {
  return content === "" ? "" : `<section><h2>${title}</h2>${content}</section>`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
