import { afterEach, expect, test } from "vitest";
import { renderReport } from "./render-report.ts";
import type { ReportSample } from "./report-sample.ts";

const sample = (index: number): ReportSample => ({
  question: `question number ${index}`,
  transcripts: [
    { label: "before", text: "no", correct: false },
    {
      label: "after",
      text: ` a_long_word_without_any_place_to_break_it_${"x".repeat(80)} 3`,
      answer: "3",
      correct: index % 4 === 0,
    },
  ],
});

const share = { accuracy: 0.5, interval: { low: 0.4, high: 0.6 } };
const page = renderReport({
  title: "Signs",
  warnings: ["read this"],
  deviations: [],
  evaluations: [{ label: "before", ...share, total: 100, unparsableRate: 0, meanTokens: 23 }],
  comparisons: [{ title: "Controls", runs: [{ name: "wrong view", before: share, after: share, remark: "harms" }] }],
  curves: [
    { title: "Loss", yLabel: "nats", series: [{ label: "loss", points: [1, 2, 3].map((x) => ({ x, y: x * x })) }] },
  ],
  samples: Array.from({ length: 20 }, (_, i) => sample(i)),
  configuration: { a: 1 },
});

/** The page in a frame of this width, without scripts. */
async function open(width: number): Promise<Document> {
  const frame = document.createElement("iframe");
  frame.style.width = `${width}px`;
  frame.style.height = "800px";
  frame.setAttribute("sandbox", "allow-same-origin");
  frame.srcdoc = page;
  const loaded = new Promise((resolve) => frame.addEventListener("load", resolve));
  document.body.append(frame);
  await loaded;
  return frame.contentDocument!;
}

afterEach(() => document.body.replaceChildren());

/** Numbers of the questions that can be seen. */
function seen(opened: Document): number[] {
  return [...opened.querySelectorAll<HTMLElement>(".sample")]
    .filter((card) => card.offsetParent !== null)
    .map((card) => Number(/number (\d+)/.exec(card.textContent!)![1]));
}

test("lists and pages show what they name, without a script", async () => {
  const opened = await open(1280);
  const choose = (id: string) => opened.querySelector<HTMLInputElement>(`#${id}`)!.click();
  expect(seen(opened)).toEqual([0, 1, 2, 3, 4, 5]);
  choose("page-all-4");
  expect(seen(opened)).toEqual([18, 19]);
  choose("show-improved");
  expect(seen(opened)).toEqual([0, 4, 8, 12, 16]);
  choose("show-unchanged");
  choose("page-unchanged-3");
  expect(seen(opened)).toEqual([17, 18, 19]);
  choose("show-all"); // each list remembers its page
  expect(seen(opened)).toEqual([18, 19]);
});

test.each([1280, 390, 320])("at a width of %i nothing but tables is wider than the screen", async (width) => {
  const opened = await open(width);
  expect(opened.documentElement.scrollWidth).toBeLessThanOrEqual(width);
});

test("dots stand where their shares are, at every width", async () => {
  for (const width of [1280, 390]) {
    const track = (await open(width)).querySelector(".whiskers svg")!;
    const [line, dot] = [track.getBoundingClientRect(), track.querySelector("circle")!.getBoundingClientRect()];
    expect((dot.left + dot.width / 2 - line.left) / line.width).toBeCloseTo(0.5, 3);
    expect(dot.width).toBeCloseTo(dot.height, 3);
  }
});
