import type * as tf from "@tensorflow/tfjs-core";
import type { Numbers, ProbeInput } from "./reference/numbers.ts";

/** One operation as training uses it, and what it must give. */
export interface ProbeCase {
  readonly op: string;
  readonly inputs: readonly ProbeInput[];
  readonly run: (...inputs: tf.Tensor[]) => tf.Tensor;
  /** The same in float64. Its numeric derivative is the reference for the gradient. */
  readonly reference: (...inputs: Numbers[]) => ArrayLike<number>;
  /** Whether training takes the gradient of the operation, in all of `inputs`. */
  readonly gradient: "needed" | "not needed";
}

/** - `wrong`: other numbers than the reference; `missing`: no kernel or no gradient; `error`: it threw */
export type ProbeStatus = "ok" | "wrong" | "missing" | "error";

/** What the probe found out about one operation. */
export interface ProbeRow {
  readonly op: string;
  readonly forward: ProbeStatus;
  /** `not needed` where training takes no gradient, `not run` where the forward pass failed already. */
  readonly gradient: ProbeStatus | "not needed" | "not run";
  /**
   * Largest difference from the reference in value and gradient, relative to the largest number expected (at least 1);
   * infinite when a number is not finite or not there.
   */
  readonly worstError: number;
  /** Forward and backward pass with reading the results, once, start-up costs of the kernels included. */
  readonly milliseconds: number;
  /** What is wrong; absent when nothing is. */
  readonly problem?: string;
}
