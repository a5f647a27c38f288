import { expect, test } from "vitest";
import { formatNumber } from "./escape-html.ts";
import { renderReport } from "./render-report.ts";
import type { ReportEvaluation, RunReport } from "./report.ts";
import type { ReportSample } from "./report-sample.ts";

const evil = `<script>alert("1")</script><img src=x onerror='alert(2)'>&`;
const escaped = "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&lt;img src=x onerror=&#39;alert(2)&#39;&gt;&amp;";
const address = "data:image/png;base64,iVBORw0KGgo=";

const empty: RunReport = {
  title: "Run",
  warnings: [],
  deviations: [],
  evaluations: [],
  curves: [],
  samples: [],
  configuration: {},
};

const evaluation: ReportEvaluation = {
  label: "before",
  role: "before",
  accuracy: 0.5,
  interval: { low: 0.4, high: 0.6 },
  total: 100,
  unparsableRate: 0.02,
  meanTokens: 31.25,
};

const sample: ReportSample = {
  recordId: "signs:1",
  image: { address, width: 256, height: 256, boxes: [{ left: 1, top: 2, right: 3, bottom: 4 }] },
  views: [{ address, width: 64, height: 64 }],
  question: "what digit?",
  reference: "3",
  transcripts: [
    { label: "before", text: "no idea", correct: false },
    {
      label: "after",
      text: "it is 3",
      answer: "3",
      correct: true,
      tokens: [
        { text: "it is", student: -1, teacher: -1 },
        { text: " 3", student: -2, teacher: -0.5 },
      ],
      control: { label: "blank view", teacher: [-1, -4] },
    },
  ],
};

const full: RunReport = {
  title: "Signs, 300 steps",
  summary: "A small model.",
  warnings: ["2 records without views"],
  statements: [{ about: "How the base model was made", text: "From nothing." }],
  deviations: ["lr: 5e-4 in place of 1e-6"],
  evaluations: [evaluation, { ...evaluation, label: "after", role: "after", accuracy: 0.875 }],
  distance: { before: 4, after: 1, per: "completion", measuredOn: "256 scenes" },
  comparisons: [
    { title: "Controls", runs: [{ name: "shuffled", after: { accuracy: 0.2, interval: { low: 0.1, high: 0.3 } } }] },
  ],
  curves: [
    {
      title: "Loss",
      yLabel: "nats",
      series: [
        {
          label: "loss",
          points: [
            { x: 1, y: 2 },
            { x: 2, y: 1 },
          ],
        },
      ],
    },
  ],
  samples: [sample],
  configuration: { seed: 1, backend: "wasm", dropout: false },
};

test("the page shows every part, what must be read first before the rest", () => {
  const html = renderReport(full);
  expect([...html.matchAll(/<h2>([^<]*)</g)].map(([, title]) => title)).toEqual([
    "Warnings",
    "Before and after",
    "What these figures are",
    "Controls",
    "Samples",
    "Curves",
    "Configuration",
  ]);
  for (const part of ["<h1>Signs, 300 steps</h1>", "2 records without views", "lr: 5e-4", "From nothing.", "87.5 %"])
    expect(html).toContain(part);
  for (const part of [
    "shuffled",
    "what digit?",
    "no readable answer",
    "✓ right: 3",
    "blank view",
    address,
    ">wasm<",
    ">false<",
  ])
    expect(html).toContain(part);
});

test("an empty report has no empty sections", () => {
  expect(renderReport(empty)).not.toContain("<section>");
});

/** The same structure with every text replaced; addresses, roles and kinds are no free text. */
function poison<Value>(value: Value, key = ""): Value {
  if (typeof value === "string") return (["address", "role", "kind", "scale"].includes(key) ? value : evil) as Value;
  if (Array.isArray(value)) return value.map((item) => poison(item, key)) as Value;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, poison(item, name)])) as Value;
}

test("no text of the run becomes markup, wherever it stands", () => {
  const tokens = [{ text: evil, student: -1, teacher: 0 }];
  const poisoned = poison(full);
  const transcripts = [
    {
      ...sample.transcripts[1]!,
      label: evil,
      text: evil,
      answer: evil,
      tokens,
      control: { label: evil, teacher: [-3] },
    },
  ];
  const html = renderReport({
    ...poisoned,
    curves: [
      { ...poisoned.curves[0]!, xLabel: evil, series: [...poisoned.curves[0]!.series, { label: evil, points: [] }] },
    ],
    comparisons: [
      { ...poisoned.comparisons![0]!, note: evil, runs: [{ ...poisoned.comparisons![0]!.runs[0]!, remark: evil }] },
    ],
    samples: [{ ...poisoned.samples[0]!, transcripts }],
    configuration: { [evil]: evil },
  });
  expect(html.split(escaped).length - 1).toBeGreaterThanOrEqual(35);
  expect(html).not.toMatch(/<script|<img src=x|onerror='/);
  expect([...html.matchAll(/<img src="([^"]*)"/g)].map(([, source]) => source)).toEqual([address, address]);
});

test("the page makes no request: no address but data, no script, and a policy that forbids both", () => {
  const html = renderReport(full);
  expect(html).toContain("default-src 'none'; style-src 'unsafe-inline'; img-src data:");
  expect(html).not.toMatch(/https?:|<script|<link|@import|url\(/);
  expect([...html.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, found]) => found)).toEqual([address, address]);
});

test("numbers that are not finite never reach a drawing", () => {
  const nowhere = { accuracy: Number.NaN, interval: { low: Number.NaN, high: Infinity } };
  const html = renderReport({
    ...full,
    evaluations: full.evaluations.map((each) => ({ ...each, ...nowhere, unparsableRate: Number.NaN })),
    distance: { ...full.distance!, after: Number.NaN },
    comparisons: [{ title: "C", runs: [{ name: "n", before: nowhere, after: nowhere }] }],
    curves: [
      {
        title: "L",
        yLabel: "y",
        scale: "log",
        series: [
          {
            label: "l",
            points: [
              { x: 0, y: Number.NaN },
              { x: Infinity, y: 1 },
            ],
          },
        ],
      },
    ],
  });
  for (const [drawing] of html.matchAll(/<svg.*?<\/svg>/gs)) expect(drawing).not.toMatch(/NaN|Infinity/);
  expect(html).toContain("not finite");
});

test("sixty samples of usual size stay under three megabytes", () => {
  const words = Array.from({ length: 34 }, (_, i) => ({ text: ` word${i}`, student: -i / 7, teacher: -0.5 }));
  const transcript = {
    ...sample.transcripts[1]!,
    text: words.map(({ text }) => text).join(""),
    tokens: words,
    control: { label: "blank view", teacher: words.map(() => -2) },
  };
  const picture = { address: `data:image/webp;base64,${"A".repeat(14_000)}`, width: 256, height: 256 };
  const samples = Array.from({ length: 60 }, () => ({
    ...sample,
    image: picture,
    transcripts: [transcript, transcript],
  }));
  const html = renderReport({ ...full, samples });
  expect(html.match(/<article /g)).toHaveLength(60);
  expect(html.length).toBeLessThan(3e6);
});

test("equal reports give equal bytes", () => {
  expect(renderReport(structuredClone(full))).toBe(renderReport(full));
});

test("numbers are short and keep four digits", () => {
  expect([0, 0.12345, 1234.56, -3e-7, 2.5e9, Number.NaN].map(formatNumber)).toEqual([
    "0",
    "0.1235",
    "1235",
    "-3e-7",
    "2.5e+9",
    "NaN",
  ]);
});
