import * as tf from "@tensorflow/tfjs-core";
import type { DistillationResult, TokenReport } from "../src/index.ts";

export interface Evaluation {
  readonly loss: number;
  /** Of the loss in the tensor that `run` takes, row by row. */
  readonly gradient: number[][];
  readonly tokens: TokenReport;
}

/** Value, gradient and report of a loss at `[rows, columns]` numbers; frees everything. */
export async function evaluateLoss(
  rows: readonly number[][],
  run: (tensor: tf.Tensor2D) => DistillationResult,
): Promise<Evaluation> {
  const tensor = tf.tensor2d(rows as number[][]);
  let result!: DistillationResult;
  const { value, grad } = tf.valueAndGrad((x: tf.Tensor2D) => {
    result = run(x);
    return result.loss;
  })(tensor);
  const evaluation = {
    loss: (await value.data())[0]!,
    gradient: (await grad.array()) as number[][],
    tokens: await result.readTokens(),
  };
  tf.dispose([tensor, value, grad]);
  return evaluation;
}

/** Largest absolute difference of two tables of numbers; NaN when either holds one. */
export function largestDifference(a: readonly number[][], b: readonly number[][]): number {
  if (a.length !== b.length || a.some((row, i) => row.length !== b[i]!.length)) return Number.POSITIVE_INFINITY;
  let largest = 0;
  // Math.max with NaN is NaN, and stays it.
  for (const [i, row] of a.entries())
    for (const [k, each] of row.entries()) largest = Math.max(largest, Math.abs(each - b[i]![k]!));
  return largest;
}
