import { escapeHtml } from "./escape-html.ts";
import { renderHeatLegend } from "./heat.ts";
import type { RunReport } from "./report.ts";
import { renderSection } from "./report-parts.ts";
import { renderPicture } from "./report-picture.ts";
import type { ReportSample } from "./report-sample.ts";
import { renderTranscript } from "./transcript.ts";

const samplesPerPage = 6;
type Change = "improved" | "worsened" | "unchanged";
const changes: readonly Change[] = ["improved", "worsened", "unchanged"];

const changeMarks: Readonly<Record<Change, string>> = {
  improved: "↑ improved",
  worsened: "↓ worsened",
  unchanged: "= unchanged",
};

/** Pictures with the completions of different times, in pages, by how the verdict changed. */
export function renderSamples({ samples }: RunReport): string {
  if (samples.length === 0) return "";
  const counts = { all: 0, improved: 0, worsened: 0, unchanged: 0 };
  const nextPage = (list: keyof typeof counts) => `${list}-${Math.floor(counts[list]++ / samplesPerPage) + 1}`;
  const cards = samples.map((sample, index) => {
    const change = describeChange(sample);
    return renderSample(sample, index, `${change} ${nextPage("all")} ${nextPage(change)}`);
  });
  const lists = (["all", ...changes] as const).map((name) => ({ name, count: counts[name] }));
  const coloured = samples.some(({ transcripts }) => transcripts.some(({ tokens }) => tokens !== undefined));
  return renderSection(
    "Samples",
    `${coloured ? renderHeatLegend() : ""}<div class="samples">${renderChoices(lists)}${cards.join("")}</div>`,
  );
}

/** From the first transcript's verdict to the last one's. */
function describeChange({ transcripts }: ReportSample): Change {
  const [first, last] = [transcripts[0]?.correct, transcripts.at(-1)?.correct];
  if (first === last) return "unchanged";
  return last ? "improved" : "worsened";
}

/**
 * Radio buttons for the list and for the page of each list, and the rules that show only the chosen page's samples. There
 * is no script: a browser that does not know `:has` shows all samples.
 */
function renderChoices(lists: readonly { readonly name: string; readonly count: number }[]): string {
  const filters = lists.map(({ name, count }) =>
    radio("show", `show-${name}`, name === "all", `${name} ${count}`, count === 0),
  );
  const pages = lists.map(({ name, count }) => {
    const buttons = Array.from({ length: Math.ceil(count / samplesPerPage) }, (_, i) =>
      radio(`page-of-${name}`, `page-${name}-${i + 1}`, i === 0, String(i + 1), false),
    );
    return `<fieldset class="pages pages-${name}"><legend>page</legend>${buttons.join("")}</fieldset>`;
  });
  const rules = lists.flatMap(({ name, count }) => [
    `.samples:has(#show-${name}:checked) .pages-${name} { display: flex; }`,
    ...Array.from({ length: Math.ceil(count / samplesPerPage) }, (_, i) => {
      const page = `${name}-${i + 1}`;
      return `.samples:has(#show-${name}:checked):has(#page-${page}:checked) .${page} { display: grid; }`;
    }),
  ]);
  return (
    `<style>@supports selector(:has(*)) { @media screen { .samples .sample { display: none; } ${rules.join(" ")} } }</style>` +
    `<div class="choices"><fieldset><legend>show</legend>${filters.join("")}</fieldset>${pages.join("")}</div>`
  );
}

function radio(group: string, id: string, checked: boolean, text: string, disabled: boolean): string {
  return (
    `<label><input type="radio" name="${group}" id="${id}"${checked ? " checked" : ""}${disabled ? " disabled" : ""}>` +
    `<span>${text}</span></label>`
  );
}

function renderSample(sample: ReportSample, index: number, classes: string): string {
  const { recordId, image, views = [], question, reference, transcripts } = sample;
  const name = `samples[${index}]`;
  const pictures = [
    ...(image === undefined
      ? []
      : [figure(renderPicture(image, `${name}.image`, "picture of the question"), "what student and teacher see")]),
    ...views.map((view, i) =>
      figure(
        renderPicture(view, `${name}.views[${i}]`, "zoomed view of the annotated region"),
        "evidence view: teacher only",
      ),
    ),
  ];
  const labelled = reference === undefined ? "" : `<p>right answer: <strong>${escapeHtml(reference)}</strong></p>`;
  const id = recordId === undefined ? "" : ` <small class="quiet">${escapeHtml(recordId)}</small>`;
  return (
    `<article class="sample ${classes}${pictures.length === 0 ? "" : " pictured"}">` +
    `${pictures.length === 0 ? "" : `<div class="pictures">${pictures.join("")}</div>`}` +
    `<div><h3>${index + 1}. ${escapeHtml(question)}</h3>${labelled}<p class="change"><b>${changeMarks[describeChange(sample)]}</b>${id}</p>` +
    `<div class="transcripts">${transcripts.map((each, i) => renderTranscript(each, `${name}.transcripts[${i}]`)).join("")}</div>` +
    `</div></article>`
  );
}

function figure(picture: string, caption: string): string {
  return `<figure>${picture}<figcaption>${caption}</figcaption></figure>`;
}
