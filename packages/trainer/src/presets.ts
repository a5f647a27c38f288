import type { TeacherKind } from "@imagine-opd/privileged-teacher";
import { ImagineOpdError } from "@imagine-opd/protocol";
import type { TrainSettings } from "./settings.ts";

/** A published recipe: settings and teacher. The seed, and how a batch is cut into passes, are nobody's science. */
export interface Preset {
  readonly settings: Omit<TrainSettings, "seed" | "microBatchSize">;
  readonly teacher: TeacherKind;
}

/** Values of the shipped runs. */
export const presets = {
  /** arXiv 2606.08719, github.com/walkeralan123/Imagine-OPD at 46f9798. */
  "imagine-opd": {
    settings: {
      objective: { kind: "opd", divergence: { kind: "sampled-reverse-kl", clip: { low: 0.2, high: 0.3, dual: 3 } } },
      reveal: { evidence: true, groundTruth: true },
      missingPrivilege: "error",
      imagination: "on",
      sampling: { temperature: 1, maxTokens: 256, rolloutsPerPrompt: 1 },
      batchSize: 32,
      maxPromptTokens: 5120,
      optimiser: {
        schedule: { kind: "constant", learningRate: 1e-6 },
        betas: [0.9, 0.999],
        epsilon: 1e-8,
        weightDecay: 0.01,
        maxGradientNorm: 1,
      },
    },
    teacher: { kind: "frozen", from: "snapshot" },
  },
} as const satisfies Record<string, Preset>;

export type PresetName = keyof typeof presets;

/** One declared difference from a preset. */
export interface Deviation {
  /** For example `learningRate`. */
  readonly field: string;
  readonly preset: string;
  readonly value: string;
}

/** @throws invalid-argument with the known names */
export function getPreset(name: string): Preset {
  if (Object.hasOwn(presets, name)) return presets[name as PresetName];
  throw new ImagineOpdError("invalid-argument", {
    where: "trainer.getPreset",
    problem: `there is no preset "${name}".`,
    remedy: `Known presets: ${Object.keys(presets).join(", ")}.`,
  });
}
