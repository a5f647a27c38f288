import { ImagineOpdError } from "@imagine-opd/protocol";
import type { Deviation, Preset } from "./presets.ts";

interface Field {
  readonly read: (preset: Preset) => unknown;
  readonly write: (preset: Preset, text: string) => Preset;
}

function parseNumber(field: string, text: string, { integer = false, positive = true } = {}): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isFinite(value) && (!integer || Number.isInteger(value)) && (!positive || value > 0))
    return value;
  throw new ImagineOpdError("invalid-argument", {
    where: "trainer.deviate",
    problem: `${field} must be a ${positive ? "positive " : ""}${integer ? "integer" : "number"}, got "${text}".`,
  });
}

function choose<Choice extends string>(field: string, text: string, choices: readonly Choice[]): Choice {
  if ((choices as readonly string[]).includes(text)) return text as Choice;
  throw new ImagineOpdError("invalid-argument", {
    where: "trainer.deviate",
    problem: `${field} must be one of ${choices.join(", ")}, got "${text}".`,
  });
}

const settingsField = <Key extends keyof Preset["settings"]>(
  key: Key,
  parse: (text: string) => Preset["settings"][Key],
): Field => ({
  read: ({ settings }) => settings[key],
  write: (preset, text) => ({ ...preset, settings: { ...preset.settings, [key]: parse(text) } }),
});
const samplingField = (key: keyof Preset["settings"]["sampling"], parse: (text: string) => number): Field => ({
  read: ({ settings }) => settings.sampling[key],
  write: (preset, text) => ({
    ...preset,
    settings: { ...preset.settings, sampling: { ...preset.settings.sampling, [key]: parse(text) } },
  }),
});
const optimiserField = (
  key: "weightDecay" | "maxGradientNorm" | "epsilon",
  parse: (text: string) => number,
): Field => ({
  read: ({ settings }) => settings.optimiser[key],
  write: (preset, text) => ({
    ...preset,
    settings: { ...preset.settings, optimiser: { ...preset.settings.optimiser, [key]: parse(text) } },
  }),
});

const divergences = ["sampled-reverse-kl", "reverse-kl", "forward-kl", "jsd"] as const;
const reveals = ["views+answer", "views", "answer", "none"] as const;

/** Every field of a preset that may be declared different, by the name that `--deviate` takes. */
const fields: Readonly<Record<string, Field>> = {
  lr: {
    read: ({ settings }) => settings.optimiser.schedule.learningRate,
    write: (preset, text) => {
      const { optimiser } = preset.settings;
      const schedule = { ...optimiser.schedule, learningRate: parseNumber("lr", text) };
      return { ...preset, settings: { ...preset.settings, optimiser: { ...optimiser, schedule } } };
    },
  },
  warmup: {
    read: ({ settings: { optimiser } }) =>
      optimiser.schedule.kind === "constant" ? 0 : optimiser.schedule.warmupSteps,
    write: (preset, text) => {
      const { optimiser } = preset.settings;
      const { learningRate } = optimiser.schedule;
      const warmupSteps = parseNumber("warmup", text, { integer: true });
      const schedule = { kind: "linear-warmup", learningRate, warmupSteps } as const;
      return { ...preset, settings: { ...preset.settings, optimiser: { ...optimiser, schedule } } };
    },
  },
  divergence: {
    read: ({ settings: { objective } }) => (objective.kind === "opd" ? objective.divergence.kind : objective.kind),
    write: (preset, text) => {
      const kind = choose("divergence", text, divergences);
      const divergence = kind === "jsd" ? ({ kind, beta: 0.5 } as const) : { kind };
      return { ...preset, settings: { ...preset.settings, objective: { kind: "opd", divergence } } };
    },
  },
  reveal: {
    read: ({ settings: { reveal } }) => reveals[(reveal.evidence ? 0 : 2) + (reveal.groundTruth ? 0 : 1)],
    write: (preset, text) => {
      const chosen = reveals.indexOf(choose("reveal", text, reveals));
      const reveal = { evidence: chosen === 0 || chosen === 1, groundTruth: chosen === 0 || chosen === 2 };
      return { ...preset, settings: { ...preset.settings, reveal } };
    },
  },
  teacher: {
    read: ({ teacher }) => teacher.kind,
    write: (preset, text) => {
      const kind = choose("teacher", text, ["frozen", "live"] as const);
      return { ...preset, teacher: kind === "live" ? { kind } : { kind, from: "snapshot" } };
    },
  },
  missingPrivilege: settingsField("missingPrivilege", (text) =>
    choose("missingPrivilege", text, ["error", "skip", "reduce"] as const),
  ),
  imagination: settingsField("imagination", (text) => choose("imagination", text, ["on", "off"] as const)),
  batchSize: settingsField("batchSize", (text) => parseNumber("batchSize", text, { integer: true })),
  maxPromptTokens: settingsField("maxPromptTokens", (text) => parseNumber("maxPromptTokens", text, { integer: true })),
  temperature: samplingField("temperature", (text) => parseNumber("temperature", text)),
  topP: samplingField("topP", (text) => parseNumber("topP", text)),
  topK: samplingField("topK", (text) => parseNumber("topK", text, { integer: true })),
  maxTokens: samplingField("maxTokens", (text) => parseNumber("maxTokens", text, { integer: true })),
  rolloutsPerPrompt: samplingField("rolloutsPerPrompt", (text) =>
    parseNumber("rolloutsPerPrompt", text, { integer: true }),
  ),
  weightDecay: optimiserField("weightDecay", (text) => parseNumber("weightDecay", text, { positive: false })),
  maxGradientNorm: optimiserField("maxGradientNorm", (text) => parseNumber("maxGradientNorm", text)),
};

/** Names that {@link deviate} takes. */
export const deviationFields: readonly string[] = Object.keys(fields);

/**
 * Changes fields of a preset. This is the only way to change one, so that every difference is declared and recorded.
 * @param changes `field=value` texts, for example `lr=5e-4`
 * @throws invalid-argument for an unknown field or a value that does not fit
 */
export function deviate(preset: Preset, changes: readonly string[]): { preset: Preset; deviations: Deviation[] } {
  let result = preset;
  const deviations: Deviation[] = [];
  for (const change of changes) {
    const [name, ...rest] = change.split("=");
    const field = Object.hasOwn(fields, name!) ? fields[name!] : undefined;
    if (field === undefined || rest.length === 0) {
      throw new ImagineOpdError("invalid-argument", {
        where: "trainer.deviate",
        problem: `"${change}" is not a deviation.`,
        remedy: `Write field=value with one of the fields ${deviationFields.join(", ")}.`,
      });
    }
    const before = String(field.read(result) ?? "off");
    result = field.write(result, rest.join("="));
    const after = String(field.read(result) ?? "off");
    if (before !== after) deviations.push({ field: name!, preset: before, value: after });
  }
  return { preset: result, deviations };
}
