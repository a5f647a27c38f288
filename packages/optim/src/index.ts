export type { AdamW, AdamWOptions, AdamWStepOptions } from "./adamw.ts";
export type { AdamWState, MomentState } from "./adamw-state.ts";
export { addGradients } from "./add-gradients.ts";
export { clipScale } from "./clip-scale.ts";
export { createAdamW } from "./create-adamw.ts";
export { globalNorm } from "./global-norm.ts";
export { type CosineSchedule, learningRateAt, type Schedule } from "./learning-rate-at.ts";
