import { expect, test } from "vitest";
import { deviate, deviationFields } from "./deviate.ts";
import { type Deviation, getPreset, type Preset } from "./presets.ts";

const imagine = getPreset("imagine-opd");
const sdpo = getPreset("sdpo");

const { preset: jsd } = deviate(imagine, ["divergence=jsd:0.5"]);
const objectiveOf = ({ settings }: Preset) => settings.objective;
const lossOf = ({ settings }: Preset) => settings.loss;
const jsdWith = (part: object) => ({ kind: "opd", divergence: { kind: "jsd", beta: 0.5, ...part } });
const sampledWith = (part: object) => ({
  kind: "opd",
  divergence: { kind: "sampled-reverse-kl", clip: { low: 0.2, high: 0.3, dual: 3 }, ...part },
});

/** Text of a deviation, what it changes in `imagine-opd` with `divergence=jsd:0.5`, and how the record tells of it. */
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
    "cosineSteps=90",
    ({ settings }) => settings.optimiser.schedule,
    { kind: "cosine", learningRate: 1e-6, warmupSteps: 0, totalSteps: 90 },
    "off",
    "90",
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
  ["viewContrast=shuffled", objectiveOf, jsdWith({ viewContrast: { wrong: "shuffled" } }), "off", "shuffled"],
  [
    "viewContrast=noise:1:0.25:3",
    objectiveOf,
    jsdWith({ viewContrast: { wrong: "noise", gamma: 1, strength: 0.25, limit: 3 } }),
    "off",
    "noise:1:0.25:3",
  ],
  ["divergence=jsd:0.5:endpoint", objectiveOf, jsdWith({ normalize: "endpoint" }), "jsd:0.5", "jsd:0.5:endpoint"],
  [
    "clip=preserve-direction:0.1",
    objectiveOf,
    jsdWith({ clip: { kind: "preserve-direction", limit: 0.1 } }),
    "off",
    "preserve-direction:0.1",
  ],
  [
    "clip=vocabulary-entry:0.05",
    objectiveOf,
    jsdWith({ clip: { kind: "vocabulary-entry", limit: 0.05 } }),
    "off",
    "vocabulary-entry:0.05",
  ],
  ["temperatureScaling=squared", objectiveOf, jsdWith({ temperatureScaling: "squared" }), "off", "squared"],
  ["reduction=sequence-mean", lossOf, { reduction: "sequence-mean" }, "token-mean", "sequence-mean"],
  [
    "reduction=constant-length:256",
    lossOf,
    { reduction: "constant-length", constantLength: 256 },
    "token-mean",
    "constant-length:256",
  ],
  ["lossTemperature=1.1", lossOf, { reduction: "token-mean", temperature: 1.1 }, "off", "1.1"],
  ["bannedTokenIds=5,17", lossOf, { reduction: "token-mean", bannedTokenIds: [5, 17] }, "off", "5,17"],
  ["bannedTokenIds=none", lossOf, { reduction: "token-mean", bannedTokenIds: [] }, "off", "none"],
  ["chunkRows=8", lossOf, { reduction: "token-mean", chunkRows: 8 }, "off", "8"],
  ["chunkVocabulary=4096", lossOf, { reduction: "token-mean", chunkVocabulary: 4096 }, "off", "4096"],
  [
    "demonstration=successful-rollout",
    ({ settings }) => settings.demonstration,
    "successful-rollout",
    "none",
    "successful-rollout",
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
  [
    "reveal=views+solution",
    ({ settings }) => settings.reveal,
    { evidence: true, groundTruth: "solution" },
    "views+answer",
    "views+solution",
  ],
  [
    "reveal=solution",
    ({ settings }) => settings.reveal,
    { evidence: false, groundTruth: "solution" },
    "views+answer",
    "solution",
  ],
  ["reveal=none", ({ settings }) => settings.reveal, { evidence: false, groundTruth: false }, "views+answer", "none"],
  ["pictures=swapped", ({ settings }) => settings.pictures, "swapped", "shared", "swapped"],
  ["missingPrivilege=skip", ({ settings }) => settings.missingPrivilege, "skip", "error", "skip"],
  ["imagination=off", ({ settings }) => settings.imagination, "off", "on", "off"],
  ["truncated=mask-last", ({ settings }) => settings.truncated, "mask-last", "keep", "mask-last"],
  [
    "truncated=down-weight:0.5",
    ({ settings }) => settings.truncated,
    { kind: "down-weight", weight: 0.5 },
    "keep",
    "down-weight:0.5",
  ],
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

/** The same for what belongs to the sampled form. */
const sampledCases: typeof cases = [
  ["clip=0.1:0.2", objectiveOf, sampledWith({ clip: { low: 0.1, high: 0.2 } }), "0.2:0.3:3", "0.1:0.2"],
  ["clip=off", objectiveOf, { kind: "opd", divergence: { kind: "sampled-reverse-kl" } }, "0.2:0.3:3", "off"],
  ["importanceCap=2", objectiveOf, sampledWith({ importanceCap: 2 }), "off", "2"],
  ["viewContrast=blank", objectiveOf, sampledWith({ viewContrast: { wrong: "blank" } }), "off", "blank"],
  ["ratio=sampler", objectiveOf, sampledWith({ ratio: "sampler" }), "off", "sampler"],
  ["advantageClip=5", objectiveOf, sampledWith({ advantageClip: 5 }), "off", "5"],
  ["baseline=expected", objectiveOf, sampledWith({ baseline: "expected" }), "off", "expected"],
  ["prefixGamma=0.5", objectiveOf, sampledWith({ prefixGamma: 0.5 }), "off", "0.5"],
];

test.each([
  ...cases.map(([change, ...rest]) => [change, jsd, ...rest] as const),
  ...sampledCases.map(([change, ...rest]) => [change, imagine, ...rest] as const),
])("%s changes its field and is recorded", (change, base, read, expected, from, to) => {
  const { preset, deviations } = deviate(base, [change]);
  expect(read(preset)).toEqual(expected);
  expect(deviations).toEqual<Deviation[]>([{ field: change.slice(0, change.indexOf("=")), preset: from, value: to }]);
});

test("every field has a case", () => {
  const tested = [...cases, ...sampledCases].map(([change]) => change.slice(0, change.indexOf("=")));
  expect(new Set(tested)).toEqual(new Set(deviationFields));
});

test("what a change brings with it is recorded after the declared ones", () => {
  const { preset, deviations } = deviate(imagine, ["lr=1e-4", "divergence=jsd:0.5", "divergence=reverse-kl"]);
  expect(objectiveOf(preset)).toEqual({ kind: "opd", divergence: { kind: "reverse-kl" } });
  expect(deviations).toEqual<Deviation[]>([
    { field: "lr", preset: "0.000001", value: "0.0001" },
    { field: "divergence", preset: "sampled-reverse-kl", value: "reverse-kl" },
    { field: "clip", preset: "0.2:0.3:3", value: "off" },
  ]);
});

test("a change to what is there already is none, and the preset itself stays", () => {
  expect(deviate(imagine, ["lr=1e-6", "teacher=frozen"]).deviations).toEqual([]);
  deviate(imagine, ["lr=1"]);
  expect(getPreset("imagine-opd").settings.optimiser.schedule.learningRate).toBe(1e-6);
});

test("departures of a preset stand in every record", () => {
  const { deviations } = deviate(sdpo, ["lr=1e-6"]);
  expect(deviations.map(({ field }) => field)).toEqual(["feedback", "lr"]);
});

test("rate, rise and fall can be declared in any order, and the fall taken back", () => {
  const schedule = { kind: "cosine", learningRate: 5e-4, warmupSteps: 20, totalSteps: 300 };
  for (const order of [
    ["lr=5e-4", "warmup=20", "cosineSteps=300"],
    ["cosineSteps=300", "warmup=20", "lr=5e-4"],
  ])
    expect(deviate(sdpo, order).preset.settings.optimiser.schedule).toEqual(schedule);
  const back = deviate(sdpo, ["cosineSteps=300", "warmup=20", "cosineSteps=off"]).preset.settings.optimiser.schedule;
  expect(back).toMatchObject({ kind: "linear-warmup", warmupSteps: 20 });
});

test("a view contrast survives another divergence, and can be taken away", () => {
  const contrasted = deviate(imagine, ["viewContrast=blank"]).preset;
  for (const form of ["divergence=reverse-kl", "divergence=sampled-reverse-kl"])
    expect(deviate(contrasted, [form]).preset.settings.objective).toMatchObject({
      divergence: { viewContrast: { wrong: "blank" } },
    });
  expect(deviate(contrasted, ["viewContrast=off"]).preset.settings.objective).toEqual(imagine.settings.objective);
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
    'divergence must be sampled-reverse-kl, reverse-kl, forward-kl, jsd:BETA, skew-jsd:BETA or jsd:BETA:endpoint, got "kl".',
  ],
  [
    "support=student:5",
    "support belongs to divergences between distributions, the objective is sampled-reverse-kl. Put a",
  ],
  ["support=all", "support belongs to divergences between distributions"],
  ["clip=0.2", 'clip must be off, or LOW:HIGH or LOW:HIGH:DUAL, got "0.2".'],
  ["clip=0.2:much", 'high of clip must be a number > 0, got "much".'],
  ["viewContrast=none", 'wrong views of viewContrast must be one of shuffled, blank, noise, got "none".'],
  [
    "viewContrast=blank:1",
    "viewContrast must be off, or shuffled, blank or noise, alone or with :GAMMA:STRENGTH:LIMIT",
  ],
  ["viewContrast=blank:1:x:2", 'strength of viewContrast must be a number ≥ 0, got "x".'],
  ["ratio=two", 'ratio must be one of one, sampler, got "two".'],
  ["prefixGamma=-1", 'prefixGamma must be a number ≥ 0, got "-1".'],
  ["truncated=half", 'truncated must be keep, mask-last, drop or down-weight:WEIGHT, got "half".'],
  ["reduction=mean", 'reduction must be token-mean, sequence-mean, sum or constant-length:TOKENS, got "mean".'],
  ["reduction=constant-length", "reduction must be token-mean, sequence-mean, sum or constant-length:TOKENS"],
  ["bannedTokenIds=5,x", 'an id of bannedTokenIds must be an integer ≥ 0, got "x".'],
  ["lossTemperature=0", 'lossTemperature must be a number > 0, got "0".'],
  ["reveal=all", 'reveal must be one of views+answer, views+solution, views, answer, solution, none, got "all".'],
])("%s is refused", (change, message) => {
  expect(() => deviate(imagine, [change])).toThrow(message);
});

test.each([
  [
    "baseline=expected",
    "baseline belongs to the divergence of sampled tokens, the objective is jsd:0.5. Put a divergence",
  ],
  ["clip=0.2:0.3", 'kind of clip must be one of preserve-direction, zero-gradient, vocabulary-entry, got "0.2".'],
  [
    "clip=preserve-direction",
    "clip must be off, or one of preserve-direction, zero-gradient, vocabulary-entry and :LIMIT",
  ],
])("%s is refused for a divergence between distributions", (change, message) => {
  expect(() => deviate(jsd, [change])).toThrow(message);
});

test.each([
  ["student:5", 'support must be all, or like student:100:tail, got "student:5".'],
  ["mine:5:tail", 'whose support must be one of student, teacher, union, got "mine".'],
  ["student:0:tail", 'k of the support must be an integer > 0, got "0".'],
])("support=%s is refused", (text, message) => {
  expect(() => deviate(sdpo, [`support=${text}`])).toThrow(message);
});
