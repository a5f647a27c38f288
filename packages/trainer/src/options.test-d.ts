import { deviate, getPreset, type LossSettings, type Objective, presets, type TrainSettings } from "./index.ts";

// Checked by the compiler alone: what is marked must not compile, everything else must.

const settings: TrainSettings = { ...presets["imagine-opd"].settings, microBatchSize: 4, seed: 1 };
const set = (changes: Partial<TrainSettings>): TrainSettings => ({ ...settings, ...changes });
// @ts-expect-error the seed is nobody's science, and yours to choose
export const incomplete: TrainSettings = presets["imagine-opd"].settings;

// What every loss is told.
const loss = (chosen: LossSettings) => set({ loss: chosen });
loss({ reduction: "sequence-mean", bannedTokenIds: [3], chunkRows: 8, chunkVocabulary: 4096, temperature: 1.1 });
loss({ reduction: "constant-length", constantLength: 256 });
// @ts-expect-error which length?
loss({ reduction: "constant-length" });
// @ts-expect-error a token mean knows no constant length
loss({ reduction: "token-mean", constantLength: 256 });
// @ts-expect-error a reduction is chosen, never assumed
loss({ chunkRows: 8 });

// Each form has its own options.
const optimise = (objective: Objective) => set({ objective });
const clip = { low: 0.2, high: 0.3, dual: 3 };
optimise({
  kind: "opd",
  divergence: { kind: "sampled-reverse-kl", clip, ratio: "sampler", baseline: "expected", prefixGamma: 0.5 },
});
optimise({
  kind: "opd",
  divergence: { kind: "jsd", beta: 0.5, clip: { kind: "zero-gradient", limit: 1 }, temperatureScaling: "squared" },
});
optimise({ kind: "opd", divergence: { kind: "reverse-kl", viewContrast: { wrong: "shuffled", strength: 0.5 } } });
optimise({ kind: "grpo", rewardOf: () => 1, ratio: "sampler", clip, importanceCap: 2 });
set({ reveal: { evidence: true, groundTruth: "solution" } });
// @ts-expect-error there is nothing to compare the views with
optimise({ kind: "opd", divergence: { kind: "reverse-kl", viewContrast: { strength: 0.5 } } });
// @ts-expect-error a baseline belongs to sampled advantages
optimise({ kind: "opd", divergence: { kind: "reverse-kl", baseline: "expected" } });
// @ts-expect-error a support belongs to distributions
optimise({ kind: "opd", divergence: { kind: "sampled-reverse-kl", topK: { support: "student", k: 5, mass: "tail" } } });
// @ts-expect-error the bounds of a ratio are not those of a divergence
optimise({ kind: "opd", divergence: { kind: "reverse-kl", clip } });
// @ts-expect-error a jsd needs its beta
optimise({ kind: "opd", divergence: { kind: "jsd" } });
// @ts-expect-error where do the completions come from?
optimise({ kind: "sft" });

// Presets are for reading.
set({ demonstration: "successful-rollout", truncated: { kind: "down-weight", weight: 0.5 } });
export const values: readonly { field: string; preset: string; value: string }[] = deviate(getPreset("sdpo"), [
  "lr=1e-4",
]).deviations;
// @ts-expect-error nothing is changed in place
presets.sdpo.settings.batchSize = 8;
