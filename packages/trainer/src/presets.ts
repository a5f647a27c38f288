import type { TeacherKind } from "@imagine-opd/privileged-teacher";
import { ImagineOpdError } from "@imagine-opd/protocol";
import type { TrainSettings } from "./settings.ts";

/** Which weights a published run trained. */
export type Tuning =
  | { readonly kind: "full" }
  | {
      readonly kind: "lora";
      readonly rank: number;
      readonly alpha: number;
      /** Last parts of module names. */
      readonly targetModules: readonly string[];
    };

/** A published recipe: settings and teacher. The seed, and how a batch is cut into passes, are nobody's science. */
export interface Preset {
  readonly settings: Omit<TrainSettings, "seed" | "microBatchSize">;
  readonly teacher: TeacherKind;
  readonly tuning: Tuning;
  /** Where this implementation cannot do what was published; they stand in every run's record beside the declared ones. */
  readonly departures: readonly Deviation[];
}

/** One difference from a preset. */
export interface Deviation {
  /** For example `lr`. */
  readonly field: string;
  readonly preset: string;
  readonly value: string;
}

// Where a published recipe does not say, the values of imagine-opd stand.
const adamW = { betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0.01, maxGradientNorm: 1 } as const;
const common = {
  loss: { reduction: "token-mean" },
  demonstration: "none",
  missingPrivilege: "error",
  imagination: "on",
  truncated: "keep",
  skipFirst: 0,
} as const;
/** JSD over the student's 100 most likely tokens and the rest, weights of at most 2 (Vision-OPD and SDPO). */
const tailJsd = {
  kind: "opd",
  divergence: {
    kind: "jsd",
    beta: 0.5,
    topK: { support: "student", k: 100, mass: "tail" },
    importanceCap: 2,
  },
} as const;

/** Values of the shipped runs. */
export const presets = {
  /** arXiv 2606.08719, github.com/walkeralan123/Imagine-OPD at 46f9798. */
  "imagine-opd": {
    settings: {
      ...common,
      objective: { kind: "opd", divergence: { kind: "sampled-reverse-kl", clip: { low: 0.2, high: 0.3, dual: 3 } } },
      reveal: { evidence: true, groundTruth: true },
      pictures: "shared",
      sampling: { temperature: 1, maxTokens: 256, rolloutsPerPrompt: 1 },
      batchSize: 32,
      maxPromptTokens: 5120,
      optimiser: { ...adamW, schedule: { kind: "constant", learningRate: 1e-6 } },
    },
    teacher: { kind: "frozen", from: "snapshot" },
    tuning: { kind: "full" },
    departures: [],
  },
  /** arXiv 2605.18740, github.com/VisionOPD/Vision-OPD at c2e345f. */
  "vision-opd": {
    settings: {
      ...common,
      objective: tailJsd,
      reveal: { evidence: true, groundTruth: false },
      pictures: "swapped",
      sampling: { temperature: 1, maxTokens: 1024, rolloutsPerPrompt: 8 },
      batchSize: 96,
      maxPromptTokens: 8192,
      optimiser: { ...adamW, schedule: { kind: "linear-warmup", learningRate: 2e-6, warmupSteps: 10 } },
    },
    teacher: { kind: "ema", rate: 0.05, average: "weights" },
    tuning: { kind: "full" },
    departures: [
      { field: "teacherPrompt", preset: "cut on the right at 10240 tokens", value: "an error beyond the context" },
    ],
  },
  /**
   * arXiv 2601.18734, github.com/siyan-zhao/OPSD at 590ec26; lengths of its 4B run. The loss has the sampling temperature. Needs
   * records with a solution; with answers alone, declare `reveal=answer`.
   */
  opsd: {
    settings: {
      ...common,
      objective: { kind: "opd", divergence: { kind: "jsd", beta: 0.5 } },
      reveal: { evidence: false, groundTruth: "solution" },
      pictures: "shared",
      sampling: { temperature: 1.1, topP: 0.95, topK: 20, maxTokens: 1024, rolloutsPerPrompt: 1 },
      batchSize: 32,
      maxPromptTokens: 20_000 - 1024,
      optimiser: { ...adamW, schedule: { kind: "constant", learningRate: 2e-4 } },
    },
    teacher: { kind: "frozen", from: "base" },
    tuning: {
      kind: "lora",
      rank: 64,
      alpha: 128,
      targetModules: ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
    },
    departures: [
      { field: "reduction", preset: "mean over the micro-batch's tokens", value: "mean over the step's tokens" },
    ],
  },
  /**
   * arXiv 2601.20802, github.com/lasgroup/SDPO at 0e6d510: the teacher is shown a successful attempt of the student's own at the
   * same question. Completions without one do not count.
   */
  sdpo: {
    settings: {
      ...common,
      objective: tailJsd,
      reveal: { evidence: false, groundTruth: false },
      demonstration: "successful-rollout",
      missingPrivilege: "skip",
      pictures: "shared",
      sampling: { temperature: 1, maxTokens: 8192, rolloutsPerPrompt: 8 },
      batchSize: 32,
      maxPromptTokens: 2048,
      optimiser: { ...adamW, schedule: { kind: "constant", learningRate: 1e-5 } },
    },
    teacher: { kind: "ema", rate: 0.05, average: "weights" },
    tuning: { kind: "full" },
    departures: [{ field: "feedback", preset: "text about a failed attempt, where there is some", value: "none" }],
  },
} as const satisfies Record<string, Preset>;

/** A key of {@link presets}. */
export type PresetName = keyof typeof presets;

/** @throws invalid-argument with the known names */
export function getPreset(name: string): Preset {
  if (Object.hasOwn(presets, name)) return presets[name as PresetName];
  throw new ImagineOpdError("invalid-argument", {
    where: "trainer.getPreset",
    problem: `there is no preset "${name}".`,
    remedy: `Known presets: ${Object.keys(presets).join(", ")}.`,
  });
}
