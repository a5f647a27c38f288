import type { Schedule } from "@imagine-opd/optim";
import { expect, test } from "vitest";
import { checkSettings } from "./check-settings.ts";
import { presets } from "./presets.ts";
import type { TrainSettings } from "./settings.ts";

const settings: TrainSettings = { ...presets["imagine-opd"].settings, microBatchSize: 1, seed: 1 };
const check = (schedule: Schedule) =>
  checkSettings("trainer.createTrainer", { ...settings, optimiser: { ...settings.optimiser, schedule } });
const cosine = { kind: "cosine", learningRate: 1e-3 } as const;

test.each<[string, Schedule]>([
  [
    "trainer.createTrainer: cosineSteps (schedule.totalSteps) holds warmup (schedule.warmupSteps) and must be above it, got 3 and 5. Raise cosineSteps, or lower warmup.",
    { ...cosine, warmupSteps: 5, totalSteps: 3 },
  ],
  ["must be above it, got 5 and 5.", { ...cosine, warmupSteps: 5, totalSteps: 5 }],
  ["must be above it, got undefined and 0.", cosine as unknown as Schedule],
  ["cosineSteps (schedule.totalSteps) must be an integer ≥ 1, got 0.", { ...cosine, totalSteps: 0 }],
  ["cosineSteps (schedule.totalSteps) must be an integer ≥ 1, got 9.5.", { ...cosine, totalSteps: 9.5 }],
  ["warmup (schedule.warmupSteps) must be an integer ≥ 0, got -1.", { ...cosine, warmupSteps: -1, totalSteps: 3 }],
  [
    "warmup (schedule.warmupSteps) must be an integer ≥ 0, got 0.5.",
    { kind: "linear-warmup", learningRate: 1e-3, warmupSteps: 0.5 },
  ],
  ["schedule.finalLearningRate must be a number ≥ 0, got -1.", { ...cosine, totalSteps: 3, finalLearningRate: -1 }],
  ["lr (schedule.learningRate) must be a number ≥ 0, got -0.1.", { kind: "constant", learningRate: -0.1 }],
])("a schedule that no run could follow: %s", (message, schedule) => {
  expect(() => check(schedule)).toThrow(message);
});

test.each<Schedule>([
  { kind: "constant", learningRate: 0 },
  { kind: "linear-warmup", learningRate: 1e-3, warmupSteps: 0 },
  { ...cosine, totalSteps: 1 },
  { ...cosine, warmupSteps: 5, totalSteps: 6, finalLearningRate: 1e-4 },
])("a schedule at its bounds passes: %j", (schedule) => {
  expect(() => check(schedule)).not.toThrow();
});
