import { ImagineOpdError } from "@imagine-opd/protocol";
import type { Scalar, Tensor2D } from "@tensorflow/tfjs-core";
import type { RowObjective } from "./row-objective.ts";
import type { RowPlan } from "./row-plan.ts";
import { reportTokens, type TokenReport } from "./token-report.ts";

/** A loss and what it saw at each token. */
export interface DistillationResult {
  /** The reduced values. Differentiable; the caller's (or its `tf.tidy`'s) to dispose. */
  readonly loss: Scalar;
  /**
   * Copies the per-token statistics to the host, once, and frees them on the device. Rejects with `non-finite` where a
   * value is infinite (one model gives no probability to a token that the other can produce), with `disposed` after
   * `dispose()`.
   */
  readTokens(): Promise<TokenReport>;
  /** Frees the per-token statistics if they were not read. Safe to call more than once. */
  dispose(): void;
}

/** Joins a loss with the statistics that were kept for it. */
export function createResult(
  plan: RowPlan,
  objective: RowObjective,
  loss: Scalar,
  statistics: Tensor2D | undefined,
): DistillationResult {
  let reading: Promise<TokenReport> | undefined;
  let disposed = false;
  const dispose = () => {
    if (!disposed) statistics?.dispose();
    disposed = true;
  };
  const read = async () => {
    if (disposed)
      throw new ImagineOpdError("disposed", {
        where: `${plan.where}().readTokens`,
        problem: "the statistics were disposed.",
      });
    try {
      return reportTokens(plan, objective, ((await statistics?.data()) ?? new Float32Array(0)) as Float32Array);
    } finally {
      dispose();
    }
  };
  return {
    loss,
    readTokens() {
      reading ??= read();
      return reading;
    },
    dispose,
  };
}
