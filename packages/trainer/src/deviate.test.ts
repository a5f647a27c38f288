import { expect, test } from "vitest";
import { deviate, deviationFields } from "./deviate.ts";
import { type Deviation, getPreset, type Preset } from "./presets.ts";

const imagine = getPreset("imagine-opd");
const sdpo = getPreset("sdpo");

/** Text of a deviation, what it changes in `imagine-opd` after `divergence=jsd:0.5`, and how the record tells of it. */
const cases: [string, (preset: Preset) => unknown, unknown, from: string, to: string][] = [
  ["lr=5e-4", ({ settings }) => settings.optimiser.schedule.learningRate, 5e-4, "0.000001", "0.0005"],
  [
    "warmup=7",
    ({ settings }) => settings.optimiser.schedule,
    { kind: "linear-warmup", learningRate: 1e-6, warmupSteps: 7 },
    "0",
    "7",
  ],
  [
    "divergence=forward-kl",
    ({ settings }) => settings.objective,
    { kind: "opd", divergence: { kind: "forward-kl" } },
    "jsd:0.5",
    "forward-kl",
  ],
  [
    "divergence=skew-jsd:0.1",
    ({ settings }) => settings.objective,
    { kind: "opd", divergence: { kind: "skew-jsd", beta: 0.1 } },
    "jsd:0.5",
    "skew-jsd:0.1",
  ],
  [
    "divergence=sampled-reverse-kl",
    ({ settings }) => settings.objective,
    { kind: "opd", divergence: { kind: "sampled-reverse-kl" } },
    "jsd:0.5",
    "sampled-reverse-kl",
  ],
  [
    "support=union:20:renormalise",
    ({ settings }) => settings.objective,
    { kind: "opd", divergence: { kind: "jsd", beta: 0.5, topK: { support: "union", k: 20, mass: "renormalise" } } },
    "all",
    "union:20:renormalise",
  ],
  [
    "importanceCap=2",
    ({ settings }) => settings.objective,
    { kind: "opd", divergence: { kind: "jsd", beta: 0.5, importanceCap: 2 } },
    "off",
    "2",
  ],
  ["teacher=live", ({ teacher }) => teacher, { kind: "live" }, "frozen", "live"],
  ["teacher=frozen:base", ({ teacher }) => teacher, { kind: "frozen", from: "base" }, "frozen", "frozen:base"],
  ["teacher=ema:0.05", ({ teacher }) => teacher, { kind: "ema", rate: 0.05, average: "weights" }, "frozen", "ema:0.05"],
  [
    "teacher=ema:0.05:deltas",
    ({ teacher }) => teacher,
    { kind: "ema", rate: 0.05, average: "deltas" },
    "frozen",
    "ema:0.05:deltas",
  ],
  ["teacher=periodic:40", ({ teacher }) => teacher, { kind: "periodic", everySteps: 40 }, "frozen", "periodic:40"],
  [
    "teacher=trust-region:0.1:base",
    ({ teacher }) => teacher,
    { kind: "trust-region", studentShare: 0.1, reference: "base" },
    "frozen",
    "trust-region:0.1:base",
  ],
  ["reveal=views", ({ settings }) => settings.reveal, { evidence: true, groundTruth: false }, "views+answer", "views"],
  [
    "reveal=answer",
    ({ settings }) => settings.reveal,
    { evidence: false, groundTruth: true },
    "views+answer",
    "answer",
  ],
  ["reveal=none", ({ settings }) => settings.reveal, { evidence: false, groundTruth: false }, "views+answer", "none"],
  ["pictures=swapped", ({ settings }) => settings.pictures, "swapped", "shared", "swapped"],
  ["missingPrivilege=skip", ({ settings }) => settings.missingPrivilege, "skip", "error", "skip"],
  ["imagination=off", ({ settings }) => settings.imagination, "off", "on", "off"],
  ["truncated=mask-last", ({ settings }) => settings.truncated, "mask-last", "keep", "mask-last"],
  ["skipFirst=3", ({ settings }) => settings.skipFirst, 3, "0", "3"],
  ["batchSize=4", ({ settings }) => settings.batchSize, 4, "32", "4"],
  ["maxPromptTokens=100", ({ settings }) => settings.maxPromptTokens, 100, "5120", "100"],
  ["temperature=0.7", ({ settings }) => settings.sampling.temperature, 0.7, "1", "0.7"],
  ["topP=0.95", ({ settings }) => settings.sampling.topP, 0.95, "off", "0.95"],
  ["topK=20", ({ settings }) => settings.sampling.topK, 20, "off", "20"],
  ["minP=0.1", ({ settings }) => settings.sampling.minP, 0.1, "off", "0.1"],
  ["typicalP=0.9", ({ settings }) => settings.sampling.typicalP, 0.9, "off", "0.9"],
  ["minTokens=2", ({ settings }) => settings.sampling.minTokens, 2, "off", "2"],
  ["repetitionPenalty=1.1", ({ settings }) => settings.sampling.repetitionPenalty, 1.1, "off", "1.1"],
  ["presencePenalty=-0.5", ({ settings }) => settings.sampling.presencePenalty, -0.5, "off", "-0.5"],
  ["maxTokens=64", ({ settings }) => settings.sampling.maxTokens, 64, "256", "64"],
  ["rolloutsPerPrompt=8", ({ settings }) => settings.sampling.rolloutsPerPrompt, 8, "1", "8"],
  ["weightDecay=0", ({ settings }) => settings.optimiser.weightDecay, 0, "0.01", "0"],
  ["maxGradientNorm=0.5", ({ settings }) => settings.optimiser.maxGradientNorm, 0.5, "1", "0.5"],
  ["epsilon=1e-6", ({ settings }) => settings.optimiser.epsilon, 1e-6, "1e-8", "0.000001"],
];

test.each(cases)("%s changes its field and is recorded", (change, read, expected, from, to) => {
  const { preset, deviations } = deviate(imagine, ["divergence=jsd:0.5", change]);
  expect(read(preset)).toEqual(expected);
  const field = change.slice(0, change.indexOf("="));
  expect(deviations).toEqual<Deviation[]>([
    { field: "divergence", preset: "sampled-reverse-kl", value: "jsd:0.5" },
    { field, preset: from, value: to },
  ]);
});

test("every field has a case", () => {
  expect(new Set(cases.map(([change]) => change.slice(0, change.indexOf("="))))).toEqual(new Set(deviationFields));
});

test("a change to what is there already is none, and the preset itself stays", () => {
  expect(deviate(imagine, ["lr=1e-6", "teacher=frozen"]).deviations).toEqual([]);
  deviate(imagine, ["lr=1"]);
  expect(getPreset("imagine-opd").settings.optimiser.schedule.learningRate).toBe(1e-6);
});

test("departures of a preset stand in every record", () => {
  const { deviations } = deviate(sdpo, ["lr=1e-6"]);
  expect(deviations.map(({ field }) => field)).toEqual(["privilege", "lr"]);
});

test("support and importance cap survive another divergence, and can be taken away", () => {
  const other = deviate(sdpo, ["divergence=reverse-kl"]).preset.settings.objective;
  const topK = { support: "student", k: 100, mass: "tail" };
  expect(other).toEqual({ kind: "opd", divergence: { kind: "reverse-kl", topK, importanceCap: 2 } });
  const bare = deviate(sdpo, ["support=all", "importanceCap=off"]).preset.settings.objective;
  expect(bare).toEqual({ kind: "opd", divergence: { kind: "jsd", beta: 0.5 } });
});

test.each([
  ["lr", '"lr" is not a deviation. Write field=value with one of the fields lr, warmup'],
  ["colour=red", '"colour=red" is not a deviation.'],
  ["lr=fast", 'lr must be a number > 0, got "fast".'],
  ["batchSize=1.5", 'batchSize must be an integer > 0, got "1.5".'],
  ["skipFirst=-1", 'skipFirst must be an integer ≥ 0, got "-1".'],
  ["teacher=ema", 'the parameter of teacher=ema must be a number ≥ 0, got "".'],
  ["teacher=ema:0.05:factors", "teacher must be frozen, frozen:base, live, ema:RATE"],
  ["teacher=best", 'trust-region:SHARE or trust-region:SHARE:base, got "best".'],
  ["divergence=jsd:x", 'beta of jsd must be a number > 0, got "x".'],
  [
    "divergence=kl",
    'divergence must be sampled-reverse-kl, reverse-kl, forward-kl, jsd:BETA or skew-jsd:BETA, got "kl".',
  ],
  [
    "support=student:5",
    "support belongs to divergences between distributions, the objective is sampled-reverse-kl. Put a",
  ],
  ["reveal=all", 'reveal must be one of views+answer, views, answer, none, got "all".'],
])("%s is refused", (change, message) => {
  expect(() => deviate(imagine, [change])).toThrow(message);
});

test.each([
  ["student:5", 'support must be all, or like student:100:tail, got "student:5".'],
  ["mine:5:tail", 'whose support must be one of student, teacher, union, got "mine".'],
  ["student:0:tail", 'k of the support must be an integer > 0, got "0".'],
])("support=%s is refused", (text, message) => {
  expect(() => deviate(sdpo, [`support=${text}`])).toThrow(message);
});
