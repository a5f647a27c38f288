import { ImagineOpdError } from "@imagine-opd/protocol";
import type { Scalar, Tensor2D } from "@tensorflow/tfjs-core";
import type { RowObjective } from "./row-objective.ts";
import type { RowPlan } from "./row-plan.ts";
import type { StatisticName } from "./statistics.ts";

/** A loss and what it saw at each token. */
export interface DistillationResult {
  /** Σ weight · value / normalizer. Differentiable; the caller's (or its `tf.tidy`'s) to dispose. */
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

/** `[N]` statistics of the tokens in nats, 0 in masked rows; those a loss does not know are absent. */
export interface TokenReport {
  /** What the loss is the weighted mean of: the divergence, the policy-gradient surrogate (k1 while ρ = 1), or −ln S(y). */
  readonly values: Float32Array;
  readonly studentEntropy: Float32Array;
  readonly teacherEntropy?: Float32Array;
  /** ln S(y). */
  readonly studentLogProbs?: Float32Array;
  /** ln T(y). */
  readonly teacherLogProbs?: Float32Array;
  /** k1 = ln S(y) − ln T(y); −k1 is the advantage of Imagine-OPD. */
  readonly logRatio?: Float32Array;
  /** Importance ratio ρ. */
  readonly ratio?: Float32Array;
  readonly counts: {
    /** Tokens with a weight above 0. */
    readonly tokens: number;
    /** Tokens with weight 0. */
    readonly masked: number;
    /** Of `tokens`: those whose row has no possible token. They add 0 to the loss. */
    readonly empty: number;
    /** Of `tokens`: those whose value is NaN. */
    readonly notANumber: number;
  };
  /** Share of `tokens`, 0 to 1, whose gradient is cut off by the ratio's bounds, and by the dual bound. */
  readonly clipFractions?: { readonly ratio: number; readonly dual: number };
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

// The logit of an impossible token is -1e30, so any possibility beside it gives far more than real logits can.
const infinite = 1e12;

function reportTokens(plan: RowPlan, objective: RowObjective, data: Float32Array): TokenReport {
  const { active, rows } = plan;
  const rowOf = (name: StatisticName) => {
    const index = objective.statistics.indexOf(name);
    return index < 0 ? objective.given?.[name] : data.subarray(index * active.length, (index + 1) * active.length);
  };
  const defined = rowOf("defined")!;
  const spread = (name: StatisticName) => {
    const numbers = rowOf(name);
    if (numbers === undefined) return undefined;
    const spreadOut = new Float32Array(rows);
    for (const [i, row] of active.entries()) spreadOut[row] = defined[i] === 0 ? 0 : numbers[i]!;
    return spreadOut;
  };
  const values = spread("value")!;
  refuseInfinite(plan, values);
  const studentLogProbs = spread("studentLogProb");
  const teacherLogProbs = spread("teacherLogProb");
  const logRatio = teacherLogProbs && studentLogProbs?.map((logProb, i) => logProb - teacherLogProbs[i]!);
  const clip = rowOf("clip");
  return {
    values,
    studentEntropy: spread("studentEntropy")!,
    ...present("teacherEntropy", spread("teacherEntropy")),
    ...present("studentLogProbs", studentLogProbs),
    ...present("teacherLogProbs", teacherLogProbs),
    ...present("logRatio", logRatio),
    ...present("ratio", spread("ratio")),
    counts: {
      tokens: active.length,
      masked: rows - active.length,
      empty: defined.filter((flag) => flag === 0).length,
      notANumber: values.filter(Number.isNaN).length,
    },
    ...present("clipFractions", clip && { ratio: shareOf(clip, 1), dual: shareOf(clip, 2) }),
  };
}

function refuseInfinite(plan: RowPlan, values: Float32Array): void {
  const row = values.findIndex((value) => value > infinite);
  if (row < 0) return;
  throw new ImagineOpdError("non-finite", {
    where: `${plan.where}().readTokens`,
    problem: `the value at row ${row} is infinite: one model gives no probability to a token that the other can produce.`,
    remedy: "Name impossible ids in `banned`, which removes them from both.",
    details: { row },
  });
}

function shareOf(flags: Float32Array, flag: number): number {
  return flags.length === 0 ? 0 : flags.filter((each) => each === flag).length / flags.length;
}

function present<Key extends string, Value>(key: Key, value: Value | undefined): { [K in Key]?: Value } {
  return value === undefined ? {} : ({ [key]: value } as { [K in Key]?: Value });
}
