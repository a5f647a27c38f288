import type { TeacherKind } from "@imagine-opd/privileged-teacher";
import type { Deviation, Preset } from "@imagine-opd/trainer";
import { describeAdapters, type Trainable, type VisionLanguageModel } from "@imagine-opd/vision-language-model";
import type { TrainProgramOptions } from "./train-options.ts";

/** Which weights train: the preset's choice where the command line makes none. */
export type Tuning =
  | { readonly kind: "full" | "decoder" }
  | {
      readonly kind: "lora";
      readonly rank: number;
      readonly alpha: number;
      /** Last parts of module names, or a regular expression. */
      readonly targetModules: readonly string[] | string;
    };

type TuningOptions = Pick<TrainProgramOptions, "tune" | "loraRank" | "loraAlpha" | "loraTargets">;

const usualLora = {
  rank: 16,
  alpha: 32,
  targetModules: ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
} as const;

const describe = (tuning: Tuning): string =>
  tuning.kind === "lora" ? `lora r${tuning.rank} alpha ${tuning.alpha} on ${tuning.targetModules}` : tuning.kind;

/** Resolves the options against the preset; a difference is a deviation like the declared ones. */
export function chooseTuning(
  options: TuningOptions,
  preset: Preset["tuning"],
): { tuning: Tuning; deviations: Deviation[] } {
  const kind = options.tune ?? preset.kind;
  const { loraRank, loraAlpha, loraTargets } = options;
  const base = preset.kind === "lora" ? preset : usualLora;
  const targets = loraTargets !== undefined && /^[\w,]+$/.test(loraTargets) ? loraTargets.split(",") : loraTargets;
  const tuning: Tuning =
    kind === "lora"
      ? {
          kind,
          rank: loraRank ?? base.rank,
          alpha: loraAlpha ?? base.alpha,
          targetModules: targets ?? base.targetModules,
        }
      : { kind };
  const [published, value] = [describe(preset), describe(tuning)];
  return { tuning, deviations: published === value ? [] : [{ field: "tune", preset: published, value }] };
}

/** What the model package is asked to train; a resumed LoRA run goes on with the adapters of its checkpoint. */
export function toTrainable(tuning: Tuning, seed: number, start: "new" | "resumed"): Trainable {
  if (tuning.kind !== "lora") return { kind: "full", vision: tuning.kind === "full" ? "trainable" : "frozen" };
  if (start === "resumed") return { kind: "adapter" };
  const { rank, alpha, targetModules } = tuning;
  return { kind: "lora", rank, alpha, targetModules, seed };
}

/** With adapters an averaged teacher averages what they add, exactly, and not their factors. */
export function chooseTeacher(
  kind: TeacherKind,
  model: VisionLanguageModel,
): { kind: TeacherKind; adapted: ReturnType<typeof describeAdapters> } {
  const adapted = describeAdapters(model);
  const averaged = kind.kind === "ema" && adapted.length > 0;
  return { kind: averaged ? { ...kind, average: "deltas" } : kind, adapted };
}
