import { expect, test } from "vitest";
import { formatNumber } from "./escape-html.ts";
import { renderReport } from "./render-report.ts";
import type { RunReport } from "./report.ts";

const evil = `<script>alert("1")</script><img src=x onerror='alert(2)'>&`;
const escaped = "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&lt;img src=x onerror=&#39;alert(2)&#39;&gt;&amp;";
const png = "data:image/png;base64,iVBORw0KGgo=";

const empty: RunReport = {
  title: "Run",
  warnings: [],
  deviations: [],
  evaluations: [],
  curves: [],
  samples: [],
  configuration: {},
};

const full: RunReport = {
  title: "Signs, 300 steps",
  summary: "A small model.",
  warnings: ["2 records without views"],
  deviations: ["lr: 5e-4 in place of 1e-6"],
  evaluations: [
    {
      label: "before",
      accuracy: 0.5,
      interval: { low: 0.4, high: 0.6 },
      total: 100,
      unparsableRate: 0.02,
      meanTokens: 31.25,
    },
    {
      label: "after",
      accuracy: 0.875,
      interval: { low: 0.8, high: 0.92 },
      total: 100,
      unparsableRate: 0,
      meanTokens: 30,
    },
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
  samples: [
    {
      image: png,
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
            { text: "it is", logRatio: 0 },
            { text: " 3", logRatio: 1 },
            { text: "!", logRatio: -5 },
          ],
        },
      ],
    },
  ],
  configuration: { seed: 1, backend: "wasm", dropout: false },
};

test("the page shows every part", () => {
  const html = renderReport(full);
  for (const part of [
    "<h1>Signs, 300 steps</h1>",
    "2 records without views",
    "lr: 5e-4",
    "50.0 %",
    "87.5 %",
    "40.0 % to 60.0 %",
  ]) {
    expect(html).toContain(part);
  }
  for (const part of [
    "2.0 %",
    ">31.25<",
    "what digit?",
    "no readable answer",
    "3, right",
    png,
    ">wasm<",
    "<polyline",
  ]) {
    expect(html).toContain(part);
  }
});

test("tokens carry their log-ratio as strength, direction and number", () => {
  const html = renderReport(full);
  expect(html).toContain('<p>it is<span class="token more" style="--strength:0.25" title="+1 nats"> 3</span>');
  expect(html).toContain('<span class="token less" style="--strength:0.5" title="-5 nats">!</span>');
});

test("an empty report has no empty sections", () => {
  expect(renderReport(empty)).not.toContain("<section>");
});

test("no text of the run becomes markup, wherever it stands", () => {
  const html = renderReport({
    title: evil,
    summary: evil,
    warnings: [evil],
    deviations: [evil],
    evaluations: [{ ...full.evaluations[0]!, label: evil }],
    curves: [
      {
        title: evil,
        xLabel: evil,
        yLabel: evil,
        series: [
          { label: evil, points: [{ x: 1, y: 1 }] },
          { label: evil, points: [] },
        ],
      },
    ],
    samples: [
      {
        question: evil,
        reference: evil,
        transcripts: [
          { label: evil, text: evil, answer: evil, correct: true },
          {
            label: evil,
            text: "",
            correct: false,
            tokens: [
              { text: evil, logRatio: 1 },
              { text: evil, logRatio: 0 },
            ],
          },
        ],
      },
    ],
    configuration: { [evil]: evil },
  });
  expect(html.split(escaped).length - 1).toBeGreaterThanOrEqual(20);
  expect(html).not.toContain("<script");
  expect(html).not.toContain("<img");
  expect(html).not.toMatch(/onerror='/);
});

test("the page makes no request: no address but data, no script, and a policy that forbids both", () => {
  const html = renderReport(full);
  expect(html).toContain("default-src 'none'; style-src 'unsafe-inline'; img-src data:");
  expect(html).not.toMatch(/https?:|<script|<link|@import|url\(/);
  expect([...html.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, address]) => address)).toEqual([png]);
});

test.each([
  "https://example.org/a.png",
  "data:image/svg+xml;base64,AAAA",
  'data:image/png;base64,AA" onload="x',
  "data:text/html;base64,AAAA",
])("the picture %s is refused", (image) => {
  const samples = [{ image, question: "q", transcripts: [] }];
  expect(() => renderReport({ ...empty, samples })).toThrow(
    "run-log.renderReport: samples[0].image must be a PNG, JPEG or WebP",
  );
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
