import { describe, expect, test } from "vitest";
import { getPreset, type PresetName, presets } from "./presets.ts";

// The published tables, column by column; a row here is a recipe there.
const columns = [
  "divergence",
  "support",
  "clip",
  "importance cap",
  "teacher",
  "evidence",
  "answer",
  "pictures",
  "n",
  "temperature",
  "top-p",
  "top-k",
  "max new",
  "max prompt",
  "batch",
  "lr",
  "warm-up",
] as const;
const off = undefined;
const tables: Record<PresetName, readonly unknown[]> = {
  "imagine-opd": [
    ...["sampled-reverse-kl", off, { low: 0.2, high: 0.3, dual: 3 }, off, "frozen snapshot", true, true, "shared"],
    ...[1, 1, off, off, 256, 5120, 32, 1e-6, 0],
  ],
  "vision-opd": [
    ...["jsd 0.5", "student 100 tail", off, 2, "ema 0.05", true, false, "swapped"],
    ...[8, 1, off, off, 1024, 8192, 96, 2e-6, 10],
  ],
  opsd: [
    ...["jsd 0.5", off, off, off, "frozen base", false, "solution", "shared"],
    ...[1, 1.1, 0.95, 20, 1024, 18_976, 32, 2e-4, 0],
  ],
  sdpo: [
    ...["jsd 0.5", "student 100 tail", off, 2, "ema 0.05", false, false, "shared"],
    ...[8, 1, off, off, 8192, 2048, 32, 1e-5, 0],
  ],
};

function valuesOf(name: PresetName): Record<(typeof columns)[number], unknown> {
  const { settings, teacher } = getPreset(name);
  const { objective, reveal, pictures, sampling, batchSize, maxPromptTokens, optimiser } = settings;
  if (objective.kind !== "opd") throw new Error(objective.kind);
  const { divergence } = objective;
  const whole = divergence.kind === "sampled-reverse-kl" ? undefined : divergence;
  const topK = whole?.topK;
  const { schedule } = optimiser;
  return {
    divergence: "beta" in divergence ? `${divergence.kind} ${divergence.beta}` : divergence.kind,
    support: topK && `${topK.support} ${topK.k} ${topK.mass}`,
    clip: divergence.kind === "sampled-reverse-kl" ? divergence.clip : undefined,
    "importance cap": whole?.importanceCap,
    teacher: Object.values(teacher).slice(0, 2).join(" "),
    evidence: reveal.evidence,
    answer: reveal.groundTruth,
    pictures,
    n: sampling.rolloutsPerPrompt,
    temperature: sampling.temperature,
    "top-p": sampling.topP,
    "top-k": sampling.topK,
    "max new": sampling.maxTokens,
    "max prompt": maxPromptTokens,
    batch: batchSize,
    lr: schedule.learningRate,
    "warm-up": schedule.kind === "constant" ? 0 : schedule.warmupSteps,
  };
}

describe.each(Object.keys(presets) as PresetName[])("%s", (name) => {
  test.each(columns.map((column, i) => [column, tables[name][i]]))("%s is %j", (column, expected) => {
    expect(valuesOf(name)[column as (typeof columns)[number]]).toEqual(expected);
  });

  test("every column of the table is there, and AdamW is the shipped one", () => {
    expect(tables[name]).toHaveLength(columns.length);
    const { betas, weightDecay, maxGradientNorm } = getPreset(name).settings.optimiser;
    expect({ betas, weightDecay, maxGradientNorm }).toEqual({
      betas: [0.9, 0.999],
      weightDecay: 0.01,
      maxGradientNorm: 1,
    });
  });
});

test("every recipe is a mean over the step's tokens, and SDPO alone demonstrates the student's own successes", () => {
  for (const { settings } of Object.values(presets)) expect(settings.loss).toEqual({ reduction: "token-mean" });
  expect(Object.values(presets).map(({ settings }) => settings.demonstration)).toEqual([
    ...["none", "none", "none", "successful-rollout"],
  ]);
});

test("only OPSD trains adapters: rank 64, alpha 128, seven projections", () => {
  expect(presets.opsd.tuning).toMatchObject({ kind: "lora", rank: 64, alpha: 128 });
  expect(new Set(presets.opsd.tuning.targetModules).size).toBe(7);
  for (const name of ["imagine-opd", "vision-opd", "sdpo"] as const) expect(presets[name].tuning.kind).toBe("full");
});

test("an unknown preset is refused with the known ones", () => {
  expect(() => getPreset("gkd")).toThrow(
    'trainer.getPreset: there is no preset "gkd". Known presets: imagine-opd, vision-opd, opsd, sdpo.',
  );
});
