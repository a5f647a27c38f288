import { ImagineOpdError } from "@imagine-opd/protocol";
import {
  choose,
  distributionOf,
  formatDivergence,
  formatReveal,
  formatSupport,
  formatTeacher,
  parseDivergence,
  parseNumber,
  parseReveal,
  parseSupport,
  parseTeacher,
} from "./deviation-texts.ts";
import type { DistributionDivergence } from "./objective.ts";
import type { Deviation, Preset } from "./presets.ts";

interface Field {
  /** `undefined` where it is off. */
  readonly read: (preset: Preset) => string | number | undefined;
  readonly write: (preset: Preset, text: string) => Preset;
}

type Settings = Preset["settings"];

function changeSettings(preset: Preset, change: Partial<Settings>): Preset {
  return { ...preset, settings: { ...preset.settings, ...change } };
}

function settingsField<Key extends keyof Settings>(
  key: Key,
  parse: (text: string) => Settings[Key] & (string | number),
): Field {
  return {
    read: ({ settings }) => settings[key] as string | number,
    write: (preset, text) => changeSettings(preset, { [key]: parse(text) }),
  };
}

function samplingField(key: keyof Settings["sampling"], parse: (text: string) => number): Field {
  return {
    read: ({ settings }) => settings.sampling[key],
    write: (preset, text) => changeSettings(preset, { sampling: { ...preset.settings.sampling, [key]: parse(text) } }),
  };
}

function optimiserField(key: "weightDecay" | "maxGradientNorm" | "epsilon", parse: (text: string) => number): Field {
  return {
    read: ({ settings }) => settings.optimiser[key],
    write: (preset, text) =>
      changeSettings(preset, { optimiser: { ...preset.settings.optimiser, [key]: parse(text) } }),
  };
}

/** A part of a divergence between distributions. */
function divergenceField(
  name: string,
  read: (divergence: DistributionDivergence | undefined) => string | number | undefined,
  change: (divergence: DistributionDivergence, text: string) => DistributionDivergence,
): Field {
  return {
    read: ({ settings }) => read(distributionOf(settings.objective)),
    write(preset, text) {
      const divergence = distributionOf(preset.settings.objective);
      if (divergence === undefined) {
        throw new ImagineOpdError("invalid-argument", {
          where: "trainer.deviate",
          problem: `${name} belongs to divergences between distributions, the objective is ${formatDivergence(preset.settings.objective)}.`,
          remedy: `Put a divergence before it, for example divergence=jsd:0.5 ${name}=….`,
        });
      }
      return changeSettings(preset, { objective: { kind: "opd", divergence: change(divergence, text) } });
    },
  };
}

const count = (field: string) => (text: string) => parseNumber(field, text, { integer: true });
const countFromZero = (field: string) => (text: string) => parseNumber(field, text, { integer: true, from: "zero" });
const positive = (field: string) => (text: string) => parseNumber(field, text);

/** Every field of a preset that may be declared different, by the name that `--deviate` takes. */
const fields: Readonly<Record<string, Field>> = {
  lr: {
    read: ({ settings }) => settings.optimiser.schedule.learningRate,
    write(preset, text) {
      const { optimiser } = preset.settings;
      const schedule = { ...optimiser.schedule, learningRate: parseNumber("lr", text) };
      return changeSettings(preset, { optimiser: { ...optimiser, schedule } });
    },
  },
  warmup: {
    read: ({ settings: { optimiser } }) =>
      optimiser.schedule.kind === "constant" ? 0 : optimiser.schedule.warmupSteps,
    write(preset, text) {
      const { optimiser } = preset.settings;
      const { learningRate } = optimiser.schedule;
      const schedule = { kind: "linear-warmup", learningRate, warmupSteps: countFromZero("warmup")(text) } as const;
      return changeSettings(preset, { optimiser: { ...optimiser, schedule } });
    },
  },
  divergence: {
    read: ({ settings }) => formatDivergence(settings.objective),
    write: (preset, text) =>
      changeSettings(preset, {
        objective: { kind: "opd", divergence: parseDivergence(text, preset.settings.objective) },
      }),
  },
  support: divergenceField(
    "support",
    (divergence) => divergence && formatSupport(divergence.topK),
    ({ topK: _, ...divergence }, text) => {
      const topK = parseSupport(text);
      return { ...divergence, ...(topK && { topK }) };
    },
  ),
  importanceCap: divergenceField(
    "importanceCap",
    (divergence) => divergence?.importanceCap,
    ({ importanceCap: _, ...divergence }, text) =>
      text === "off" ? divergence : { ...divergence, importanceCap: parseNumber("importanceCap", text) },
  ),
  teacher: {
    read: ({ teacher }) => formatTeacher(teacher),
    write: (preset, text) => ({ ...preset, teacher: parseTeacher(text) }),
  },
  reveal: {
    read: ({ settings }) => formatReveal(settings.reveal),
    write: (preset, text) => changeSettings(preset, { reveal: parseReveal(text) }),
  },
  pictures: settingsField("pictures", (text) => choose("pictures", text, ["shared", "swapped"])),
  missingPrivilege: settingsField("missingPrivilege", (text) =>
    choose("missingPrivilege", text, ["error", "skip", "reduce"]),
  ),
  imagination: settingsField("imagination", (text) => choose("imagination", text, ["on", "off"])),
  truncated: settingsField("truncated", (text) => choose("truncated", text, ["keep", "mask-last", "drop"])),
  skipFirst: settingsField("skipFirst", countFromZero("skipFirst")),
  batchSize: settingsField("batchSize", count("batchSize")),
  maxPromptTokens: settingsField("maxPromptTokens", count("maxPromptTokens")),
  temperature: samplingField("temperature", positive("temperature")),
  topP: samplingField("topP", positive("topP")),
  topK: samplingField("topK", count("topK")),
  minP: samplingField("minP", positive("minP")),
  typicalP: samplingField("typicalP", positive("typicalP")),
  minTokens: samplingField("minTokens", countFromZero("minTokens")),
  repetitionPenalty: samplingField("repetitionPenalty", positive("repetitionPenalty")),
  presencePenalty: samplingField("presencePenalty", (text) =>
    parseNumber("presencePenalty", text, { from: "anywhere" }),
  ),
  maxTokens: samplingField("maxTokens", count("maxTokens")),
  rolloutsPerPrompt: samplingField("rolloutsPerPrompt", count("rolloutsPerPrompt")),
  weightDecay: optimiserField("weightDecay", (text) => parseNumber("weightDecay", text, { from: "zero" })),
  maxGradientNorm: optimiserField("maxGradientNorm", positive("maxGradientNorm")),
  epsilon: optimiserField("epsilon", positive("epsilon")),
};

/** Names that {@link deviate} takes. */
export const deviationFields: readonly string[] = Object.keys(fields);

/**
 * Changes fields of a preset. This is the only way to change one, so that every difference is declared and recorded; the
 * preset's own departures stand first.
 * @param changes `field=value` texts, for example `lr=5e-4`, `teacher=ema:0.05`, `divergence=jsd:0.5`
 * @throws invalid-argument for an unknown field or a value that does not fit
 */
export function deviate(preset: Preset, changes: readonly string[]): { preset: Preset; deviations: Deviation[] } {
  let result = preset;
  const deviations: Deviation[] = [...preset.departures];
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
