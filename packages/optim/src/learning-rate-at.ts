import { ImagineOpdError } from "@imagine-opd/protocol";

const where = "optim.learningRateAt";

/** How the learning rate runs over the updates. */
export type Schedule =
  | { readonly kind: "constant"; readonly learningRate: number }
  /** Rises in a line to `learningRate` over the first `warmupSteps` updates, then stays. */
  | { readonly kind: "linear-warmup"; readonly learningRate: number; readonly warmupSteps: number }
  | CosineSchedule;

/** Rises as `linear-warmup`, then falls along half a cosine to `finalLearningRate` at `totalSteps` updates, and stays there. */
export interface CosineSchedule {
  readonly kind: "cosine";
  readonly learningRate: number;
  /** Updates in all, warm-up included. */
  readonly totalSteps: number;
  /** @default 0 */
  readonly warmupSteps?: number;
  /** @default 0 */
  readonly finalLearningRate?: number;
}

function requireInteger(name: string, value: number, from: number): void {
  if (Number.isSafeInteger(value) && value >= from) return;
  throw new ImagineOpdError("invalid-argument", {
    where,
    problem: `\`${name}\` must be an integer from ${from}, got ${value}.`,
  });
}

function requireRate(name: string, value: number): void {
  if (Number.isFinite(value) && value >= 0) return;
  throw new ImagineOpdError("invalid-argument", {
    where,
    problem: `\`${name}\` must be a finite number from 0, got ${value}.`,
  });
}

/** `(step + 1) / warmupSteps` during the warm-up, 1 after it. */
function linearWarmup(step: number, warmupSteps: number): number {
  requireInteger("warmupSteps", warmupSteps, 0);
  return Math.min(1, (step + 1) / Math.max(1, warmupSteps));
}

function cosine(step: number, schedule: CosineSchedule): number {
  const { learningRate, totalSteps, warmupSteps = 0, finalLearningRate = 0 } = schedule;
  const rising = linearWarmup(step, warmupSteps);
  requireInteger("totalSteps", totalSteps, warmupSteps + 1);
  requireRate("finalLearningRate", finalLearningRate);
  if (step < warmupSteps) return learningRate * rising;
  const progress = Math.min(1, (step - warmupSteps) / (totalSteps - warmupSteps));
  return finalLearningRate + ((learningRate - finalLearningRate) * (1 + Math.cos(Math.PI * progress))) / 2;
}

/**
 * The learning rate of one update.
 *
 * Warm-up reaches the full rate with its last update and begins above 0, so that no update is without effect. (The schedules
 * of transformers lag by one update: their first rate is 0.)
 * @param step updates made before this one: 0 for the first
 * @throws invalid-argument for a step, a number of steps or a rate out of range
 */
export function learningRateAt(step: number, schedule: Schedule): number {
  requireInteger("step", step, 0);
  requireRate("learningRate", schedule.learningRate);
  switch (schedule.kind) {
    case "constant":
      return schedule.learningRate;
    case "linear-warmup":
      return schedule.learningRate * linearWarmup(step, schedule.warmupSteps);
    case "cosine":
      return cosine(step, schedule);
  }
}
