import type { Schedule } from "@imagine-opd/optim";
import { ImagineOpdError } from "@imagine-opd/protocol";
import {
  choose,
  distributionOf,
  formatClip,
  formatDivergence,
  formatReduction,
  formatReveal,
  formatSupport,
  formatTeacher,
  formatTruncated,
  formatViewContrast,
  parseDivergence,
  parseDivergenceClip,
  parseNumber,
  parseRatioClip,
  parseReduction,
  parseReveal,
  parseSupport,
  parseTeacher,
  parseTokenIds,
  parseTruncated,
  parseViewContrast,
  sampledOf,
} from "./deviation-texts.ts";
import type { LossSettings } from "./loss-settings.ts";
import type { DistributionDivergence, Objective, SampledReverseKl } from "./objective.ts";
import type { Preset } from "./presets.ts";

/** Something of a preset that may be declared different. */
export interface DeviationField {
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
): DeviationField {
  return {
    read: ({ settings }) => settings[key] as string | number,
    write: (preset, text) => changeSettings(preset, { [key]: parse(text) }),
  };
}

function samplingField(key: keyof Settings["sampling"], parse: (text: string) => number): DeviationField {
  return {
    read: ({ settings }) => settings.sampling[key],
    write: (preset, text) => changeSettings(preset, { sampling: { ...preset.settings.sampling, [key]: parse(text) } }),
  };
}

function optimiserField(
  key: "weightDecay" | "maxGradientNorm" | "epsilon",
  parse: (text: string) => number,
): DeviationField {
  return {
    read: ({ settings }) => settings.optimiser[key],
    write: (preset, text) =>
      changeSettings(preset, { optimiser: { ...preset.settings.optimiser, [key]: parse(text) } }),
  };
}

/** A part of the loss that may be off. */
function lossField(
  key: "temperature" | "chunkRows" | "chunkVocabulary" | "bannedTokenIds",
  parse: (text: string) => number | readonly number[],
): DeviationField {
  return {
    read({ settings: { loss } }) {
      const value = loss[key];
      return typeof value === "object" ? value.join() || "none" : value;
    },
    write(preset, text) {
      const { [key]: _, ...loss } = preset.settings.loss;
      const changed = text === "off" ? loss : { ...loss, [key]: parse(text) };
      return changeSettings(preset, { loss: changed as LossSettings });
    },
  };
}

type Form = SampledReverseKl | DistributionDivergence;

/** Where a part of the objective's divergence is found, and what to say where it is not. */
interface FormOf<Of extends Form> {
  readonly pick: (objective: Objective) => Of | undefined;
  readonly name: string;
  readonly example: string;
}

const sampledForm: FormOf<SampledReverseKl> = {
  pick: sampledOf,
  name: "the divergence of sampled tokens",
  example: "sampled-reverse-kl",
};
const distributionForm: FormOf<DistributionDivergence> = {
  pick: distributionOf,
  name: "divergences between distributions",
  example: "jsd:0.5",
};
const anyForm: FormOf<Form> = {
  pick: (objective) => (objective.kind === "opd" ? objective.divergence : undefined),
  name: "self-distillation",
  example: "jsd:0.5",
};

/** A part of a divergence that may be off, under its own name. */
function divergenceField<Of extends Form, Key extends string & keyof Of>(
  form: FormOf<Of>,
  key: Key,
  parse: (text: string, divergence: Of) => Of[Key],
  {
    as = key as string,
    format = (value: Of[Key] | undefined) => value as string | number | undefined,
    off = "off",
  } = {},
): DeviationField {
  return {
    read: ({ settings }) => format(form.pick(settings.objective)?.[key]),
    write(preset, text) {
      const divergence = form.pick(preset.settings.objective);
      if (divergence === undefined) {
        throw new ImagineOpdError("invalid-argument", {
          where: "trainer.deviate",
          problem: `${as} belongs to ${form.name}, the objective is ${formatDivergence(preset.settings.objective)}.`,
          remedy: `Put a divergence before it, for example divergence=${form.example} ${as}=….`,
        });
      }
      const { [key]: _, ...rest } = divergence;
      const changed = text === off ? rest : { ...rest, [key]: parse(text, divergence) };
      return changeSettings(preset, { objective: { kind: "opd", divergence: changed as unknown as Form } });
    },
  };
}

const count = (field: string) => (text: string) => parseNumber(field, text, { integer: true });
const countFromZero = (field: string) => (text: string) => parseNumber(field, text, { integer: true, from: "zero" });
const positive = (field: string) => (text: string) => parseNumber(field, text);
const fromZero = (field: string) => (text: string) => parseNumber(field, text, { from: "zero" });

const warmupStepsOf = (schedule: Schedule): number => (schedule.kind === "constant" ? 0 : (schedule.warmupSteps ?? 0));

function changeSchedule(preset: Preset, change: (schedule: Schedule) => Schedule): Preset {
  const { optimiser } = preset.settings;
  return changeSettings(preset, { optimiser: { ...optimiser, schedule: change(optimiser.schedule) } });
}

/** Every field of a preset that may be declared different, by the name that `--deviate` takes. */
export const fields: Readonly<Record<string, DeviationField>> = {
  lr: {
    read: ({ settings }) => settings.optimiser.schedule.learningRate,
    write: (preset, text) =>
      changeSchedule(preset, (schedule) => ({ ...schedule, learningRate: parseNumber("lr", text) })),
  },
  warmup: {
    read: ({ settings }) => warmupStepsOf(settings.optimiser.schedule),
    write: (preset, text) =>
      changeSchedule(preset, (schedule) => {
        const warmupSteps = countFromZero("warmup")(text);
        if (schedule.kind === "cosine") return { ...schedule, warmupSteps };
        return { kind: "linear-warmup", learningRate: schedule.learningRate, warmupSteps };
      }),
  },
  cosineSteps: {
    read: ({ settings: { optimiser } }) =>
      optimiser.schedule.kind === "cosine" ? optimiser.schedule.totalSteps : undefined,
    write: (preset, text) =>
      changeSchedule(preset, (schedule) => {
        const rise = { learningRate: schedule.learningRate, warmupSteps: warmupStepsOf(schedule) };
        if (text === "off") return { kind: "linear-warmup", ...rise };
        return { kind: "cosine", ...rise, totalSteps: count("cosineSteps")(text) };
      }),
  },
  divergence: {
    read: ({ settings }) => formatDivergence(settings.objective),
    write: (preset, text) =>
      changeSettings(preset, {
        objective: { kind: "opd", divergence: parseDivergence(text, preset.settings.objective) },
      }),
  },
  support: divergenceField(distributionForm, "topK", parseSupport, {
    as: "support",
    format: formatSupport,
    off: "all",
  }),
  clip: divergenceField(
    anyForm,
    "clip",
    (text, { kind }) => (kind === "sampled-reverse-kl" ? parseRatioClip(text) : parseDivergenceClip(text)),
    { format: formatClip },
  ),
  temperatureScaling: divergenceField(distributionForm, "temperatureScaling", (text) =>
    choose("temperatureScaling", text, ["none", "squared"]),
  ),
  viewContrast: divergenceField(anyForm, "viewContrast", parseViewContrast, { format: formatViewContrast }),
  importanceCap: divergenceField(anyForm, "importanceCap", positive("importanceCap")),
  ratio: divergenceField(sampledForm, "ratio", (text) => choose("ratio", text, ["one", "sampler"])),
  advantageClip: divergenceField(sampledForm, "advantageClip", positive("advantageClip")),
  baseline: divergenceField(sampledForm, "baseline", (text) => choose("baseline", text, ["none", "expected"])),
  prefixGamma: divergenceField(sampledForm, "prefixGamma", fromZero("prefixGamma")),
  reduction: {
    read: ({ settings }) => formatReduction(settings.loss),
    write(preset, text) {
      const { reduction: _, constantLength: __, ...loss } = preset.settings.loss;
      return changeSettings(preset, { loss: { ...loss, ...parseReduction(text) } as LossSettings });
    },
  },
  lossTemperature: lossField("temperature", positive("lossTemperature")),
  bannedTokenIds: lossField("bannedTokenIds", (text) => parseTokenIds("an id of bannedTokenIds", text)),
  chunkRows: lossField("chunkRows", count("chunkRows")),
  chunkVocabulary: lossField("chunkVocabulary", count("chunkVocabulary")),
  teacher: {
    read: ({ teacher }) => formatTeacher(teacher),
    write: (preset, text) => ({ ...preset, teacher: parseTeacher(text) }),
  },
  reveal: {
    read: ({ settings }) => formatReveal(settings.reveal),
    write: (preset, text) => changeSettings(preset, { reveal: parseReveal(text) }),
  },
  pictures: settingsField("pictures", (text) => choose("pictures", text, ["shared", "swapped"])),
  demonstration: settingsField("demonstration", (text) =>
    choose("demonstration", text, ["none", "successful-rollout"]),
  ),
  missingPrivilege: settingsField("missingPrivilege", (text) =>
    choose("missingPrivilege", text, ["error", "skip", "reduce"]),
  ),
  imagination: settingsField("imagination", (text) => choose("imagination", text, ["on", "off"])),
  truncated: {
    read: ({ settings }) => formatTruncated(settings.truncated),
    write: (preset, text) => changeSettings(preset, { truncated: parseTruncated(text) }),
  },
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
  weightDecay: optimiserField("weightDecay", fromZero("weightDecay")),
  maxGradientNorm: optimiserField("maxGradientNorm", positive("maxGradientNorm")),
  epsilon: optimiserField("epsilon", positive("epsilon")),
};
