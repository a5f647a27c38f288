import type { Tensor } from "@tensorflow/tfjs-core";
import type { AdamWState } from "./adamw-state.ts";

export interface AdamWOptions {
  /** Rate of the steps that name none. @default 1e-3 */
  readonly learningRate?: number;
  /** Share of the running averages that each step keeps: of the gradient, of its square. From 0, below 1. @default [0.9, 0.999] */
  readonly betas?: readonly [number, number];
  /** Added to the root of the averaged square. @default 1e-8 */
  readonly epsilon?: number;
  /** Every step first multiplies each weight by `1 - learningRate · weightDecay`. @default 0.01 */
  readonly weightDecay?: number;
}

export interface AdamWStepOptions {
  /** @default the rate of `createAdamW` */
  readonly learningRate?: number;
  /** Factor for every gradient: one over the number of tokens, or what `clipScale` gives. @default 1 */
  readonly gradientScale?: number;
}

/** An optimiser with its running averages, which live on the device until `dispose()`. */
export interface AdamW {
  /**
   * Makes one update of every variable, in place. The gradients stay the caller's.
   * @throws before anything changes: mismatch when a gradient is missing, too much or of another shape; non-finite for a rate or
   * scale that is no number; disposed
   */
  step(gradients: Readonly<Record<string, Tensor>>, options?: AdamWStepOptions): void;
  /** Updates made. */
  readonly stepCount: number;
  /** A copy of the state, as of this call. An optimiser that imports it goes on bit for bit. */
  exportState(): Promise<AdamWState>;
  /**
   * Goes on from a copy of a state.
   * @throws before anything changes: mismatch when its names, shapes or lengths are not those of the variables; disposed
   */
  importState(state: AdamWState): void;
  /** Frees the running averages, not the variables. May be called again. */
  dispose(): void;
}
