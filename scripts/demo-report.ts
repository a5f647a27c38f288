// A report with invented figures over real scenes, to look at the page: node scripts/run.mjs scripts/demo-report.ts FILE
import { writeFileSync } from "node:fs";
import { parseTrajectory } from "@imagine-opd/imagination-prompts";
import type { RgbImage } from "@imagine-opd/protocol";
import { type RandomStream, randomStream } from "@imagine-opd/random-streams";
import { cropRegions } from "@imagine-opd/region-cropper";
import { generateScene, type Scene } from "@imagine-opd/region-datasets";
import {
  findAlarms,
  type LoggedStep,
  metricSeries,
  type ReportComparisonRun,
  type ReportPicture,
  type ReportSample,
  type ReportTranscript,
  renderReport,
} from "@imagine-opd/run-log";
import sharp from "sharp";

const steps = 300;
const around = (stream: RandomStream, spread: number): number => spread * (stream.uniform() + stream.uniform() - 1);

async function toPicture(image: RgbImage, boxes: Scene["boxes"] = []): Promise<ReportPicture> {
  const { width, height, data } = image;
  const file = await sharp(data, { raw: { width, height, channels: 3 } })
    .webp({ quality: 85 })
    .toBuffer();
  return { address: `data:image/webp;base64,${file.toString("base64")}`, width, height, boxes };
}

/** Log-probs that disagree at the digits, and under the control hardly anywhere. */
function inventTokens(text: string, stream: RandomStream, gap: number, right: boolean) {
  const words = text.match(/\s*\S+/g) ?? [];
  const tokens = words.map((word) => {
    const decisive = /\d/.test(word);
    const student = decisive ? -0.4 - stream.uniform() : -0.02 - 0.1 * stream.uniform();
    const teacher = decisive ? (right ? -0.01 : student - gap - stream.uniform()) : student + around(stream, 0.2);
    return { text: word, student, teacher: Math.min(teacher, -0.001) };
  });
  const control = tokens.map(({ student }) => Math.min(student + around(stream, 0.5), -0.001));
  return { tokens: [...tokens, { text: "<end>", student: -0.001, teacher: -0.001 }], control: [...control, -0.002] };
}

function inventTranscript(label: string, scene: Scene, right: boolean, stream: RandomStream): ReportTranscript {
  const { row, column } = scene.locate;
  const sign = scene.objects.find(({ box }) => box === scene.boxes[0])!;
  const answer = right ? scene.answer : String((Number(scene.answer) + 1 + stream.integer(9)) % 10);
  const text =
    ` Looking at the ${row} ${column} , the ${sign.colour} ${sign.shape} sign matters . I mentally zoom in on it . ` +
    `I see the digit ${answer} . <answer>${answer}</answer>`;
  const { tokens, control } = inventTokens(text, stream, label === "before" ? 3 : 1, right);
  return {
    label,
    text,
    answer,
    correct: right,
    moves: parseTrajectory(text).moves,
    tokens,
    control: { label: "teacher with a blank view", teacher: control },
  };
}

async function inventSample(index: number): Promise<ReportSample> {
  const scene = generateScene(1, index, { split: "held-out" });
  const stream = randomStream(7, "demo", index);
  const { left, top, right, bottom } = scene.boxes[0]!;
  const region = { box: [left, top, right, bottom], space: "pixel" } as const;
  const output = { kind: "fixed", width: 64, height: 64 } as const;
  const [view] = cropRegions(scene.image, [region], { shape: "square", output }).views;
  return {
    recordId: `signs/held-out:${index}`,
    image: await toPicture(scene.image, scene.boxes),
    views: [await toPicture(view!.image)],
    question: scene.question,
    reference: scene.answer,
    transcripts: [
      inventTranscript("before", scene, stream.uniform() < 0.45, stream),
      inventTranscript("after", scene, stream.uniform() < 0.85, stream),
    ],
  };
}

const stream = randomStream(3, "demo-curves");
const logged: LoggedStep[] = Array.from({ length: steps }, (_, i) => ({
  step: i + 1,
  signal: {
    k1TokenMean: 0.15 * Math.exp(-i / 120) + 0.03 + around(stream, 0.04),
    firstToken: 0.01 + around(stream, 0.01),
  },
  optimiser: { gradientNorm: 3 * Math.exp(-i / 80) + 0.2 + Math.abs(around(stream, 0.3)) },
  policy: { entropy: 0.2 * Math.exp(-i / 200) + around(stream, 0.02) },
  rollout: { lengthMean: 23 + around(stream, 1) },
  task: { accuracy: 0.8 - 0.4 * Math.exp(-i / 100) + around(stream, 0.15) },
  format: { answerTagRate: 1 },
}));

const share = (accuracy: number, half: number) => ({
  accuracy,
  interval: { low: accuracy - half, high: accuracy + half },
});
const run = (name: string, after: number, kl: number, remark?: string): ReportComparisonRun => ({
  name,
  before: share(0.405, 0.025),
  after: share(after, 0.02),
  distance: { before: 3.58, after: kl },
  steps: name === "k1" ? 300 : 100,
  ...(remark !== undefined && { remark }),
});

const html = renderReport({
  title: "DEMO, INVENTED FIGURES: Imagine-OPD on procedural signs, 300 steps",
  summary:
    "A student that sees a 256-pixel picture squeezed into one tile learns from the same model that also sees the zoomed view of the sign, without an answer label.",
  warnings: ["These figures are invented: the page shows its layout.", ...findAlarms(logged)],
  statements: [
    {
      about: "How the base model was made",
      text: "Trained from nothing on labelled scenes of another split for six minutes. The paper starts from an instruction-tuned model instead.",
    },
    {
      about: "What makes the gap",
      text: "Warm-up labels small digits only in zoomed views: the student has learned to read large digits and to find signs, not small digits in the whole picture.",
    },
    {
      about: "What they do not show",
      text: "That distillation beats labels: supervised training closes the same gap. What is saved are the answer labels and the zoom at inference.",
    },
  ],
  deviations: [
    "batchSize: 32 (the preset has 96)",
    "objective: reverse KL over the whole vocabulary (the preset has k1)",
  ],
  evaluations: [
    {
      label: "student before",
      role: "before",
      ...share(0.405, 0.025),
      total: 1500,
      unparsableRate: 0.001,
      meanTokens: 23.1,
      locatedRate: 0.989,
      evidenceRate: 0.41,
    },
    {
      label: "student after",
      role: "after",
      ...share(0.878, 0.017),
      total: 1500,
      unparsableRate: 0,
      meanTokens: 23,
      locatedRate: 0.995,
      evidenceRate: 0.881,
    },
    {
      label: "teacher: student before, with the view",
      role: "teacher",
      ...share(0.963, 0.01),
      total: 1500,
      unparsableRate: 0,
      meanTokens: 23,
      locatedRate: 0.99,
      evidenceRate: 0.964,
    },
    { label: "grey picture", ...share(0.098, 0.015), total: 1500, unparsableRate: 0.01, meanTokens: 23.4 },
  ],
  distance: {
    before: 3.58,
    after: 0.92,
    per: "completion",
    measuredOn: "256 held-out scenes, the student's own completions at temperature 1",
  },
  comparisons: [
    {
      title: "Controls",
      note: "The same start, steps and seed; only what the teacher sees differs.",
      runs: [
        run("true view", 0.75, 1.4),
        run("view of another scene", 0.201, 4.6, "harms: the content of the view matters"),
        run("grey view", 0.41, 3.4),
        run("no view", 0.4, 3.5),
        run("live teacher", 0.02, 340, "collapses to empty answers"),
      ],
    },
    {
      title: "The paper's form of the objective",
      note: "The sampled-token estimator, at a lower learning rate.",
      runs: [run("k1", 0.542, 2.65), run("reverse KL, whole vocabulary", 0.75, 1.4)],
    },
  ],
  curves: [
    {
      title: "Signal: student against teacher",
      yLabel: "nats per token",
      series: [
        metricSeries(logged, "signal.k1TokenMean", "k1, token mean"),
        metricSeries(logged, "signal.firstToken", "first token"),
      ],
    },
    {
      title: "Gradient norm",
      yLabel: "before clipping",
      scale: "log",
      series: [metricSeries(logged, "optimiser.gradientNorm", "norm")],
    },
    { title: "Entropy", yLabel: "nats per token", series: [metricSeries(logged, "policy.entropy", "student")] },
    { title: "Completions", yLabel: "tokens", series: [metricSeries(logged, "rollout.lengthMean", "mean length")] },
    {
      title: "Accuracy of the rollouts",
      yLabel: "share",
      series: [
        metricSeries(logged, "task.accuracy", "right"),
        metricSeries(logged, "format.answerTagRate", "with an answer"),
      ],
    },
    {
      title: "Held-out accuracy",
      yLabel: "share",
      series: [{ label: "right", points: [0, 100, 200, 300].map((x) => ({ x, y: 0.88 - 0.47 * Math.exp(-x / 120) })) }],
    },
  ],
  samples: await Promise.all(Array.from({ length: 48 }, (_, i) => inventSample(i))),
  configuration: {
    model: "tiny-signs",
    parameters: 607488,
    tuning: "full",
    preset: "imagine-opd",
    seed: 0,
    backend: "wasm",
  },
});
const [file] = process.argv.slice(2);
if (file === undefined) throw new Error("name the file to write");
writeFileSync(file, html);
console.log(`${file}: ${(html.length / 1e6).toFixed(2)} MB`);
