import { type AdamWScalars, adamWUpdate } from "@imagine-opd/tensor-ops";
import type * as tf from "@tensorflow/tfjs-core";

/** Running averages of a variable's gradient and of its square; both start at zero. */
export interface Moments {
  readonly first: tf.Tensor;
  readonly second: tf.Tensor;
}

/** What one update is made of. */
export interface UpdateSettings {
  readonly learningRate: number;
  readonly gradientScale: number;
  readonly betas: readonly [number, number];
  readonly epsilon: number;
  readonly weightDecay: number;
}

/**
 * The numbers of update `step` (from 1), computed in float64. The bias corrections `cᵢ = 1 - βᵢ^step` are folded into the last
 * two: `lr · (m/c₁) / (√(v/c₂) + ε) = (lr · √c₂/c₁) · m / (√v + ε · √c₂)`, which saves an operation.
 */
export function updateScalars(settings: UpdateSettings, step: number): AdamWScalars {
  const { learningRate, gradientScale, betas, epsilon, weightDecay } = settings;
  const [beta1, beta2] = betas;
  const root = Math.sqrt(1 - beta2 ** step);
  return {
    gradientScale,
    decay: 1 - learningRate * weightDecay,
    firstRate: 1 - beta1,
    secondKeep: beta2,
    secondRate: 1 - beta2,
    epsilon: epsilon * root,
    stepSize: (learningRate * root) / (1 - beta1 ** step),
  };
}

/** Updates one variable in place and returns its new moments: one kernel where the backend has it, else 12 to 14. */
export function updateVariable(
  variable: tf.Variable,
  gradient: tf.Tensor,
  moments: Moments,
  scalars: AdamWScalars,
): Moments {
  const { weight, first, second } = adamWUpdate({ weight: variable, ...moments }, gradient, scalars);
  variable.assign(weight);
  weight.dispose();
  return { first, second };
}
