import { refuseArgument } from "./refuse-argument.ts";
import { requireCount, requirePositive } from "./require-number.ts";
import type { ReductionOptions, SkipOptions, WeightOptions } from "./row-options.ts";

/** Which rows count, and with what factor their values enter the loss. */
export interface TokenCoefficients {
  /** `[A]` indices of the rows with a weight above 0. */
  readonly active: Int32Array;
  /** `[A]` c in loss = Σ c · value. */
  readonly coefficients: Float32Array;
}

/** Turns weights, skipped tokens and the reduction into one factor a row. */
export function weighTokens(
  where: string,
  rows: number,
  options: WeightOptions & ReductionOptions & SkipOptions,
): TokenCoefficients {
  const lengths = "lengths" in options ? options.lengths : undefined;
  if (lengths !== undefined) checkLengths(where, rows, lengths);
  const weights = takeWeights(where, rows, options.tokenWeights);
  if (options.skipFirst !== undefined) skipFirst(where, weights, options.skipFirst, lengths);
  const active = Int32Array.from(weights.keys()).filter((row) => weights[row]! > 0);
  const divisorOf = createDivisors(where, active, options, lengths);
  return { active, coefficients: Float32Array.from(active, (row) => weights[row]! / divisorOf(row)) };
}

function takeWeights(where: string, rows: number, given: Float32Array | undefined): Float32Array {
  if (given === undefined) return new Float32Array(rows).fill(1);
  if (given.length !== rows)
    refuseArgument(where, `tokenWeights must have one entry for each of the ${rows} rows, got ${given.length}.`);
  const wrong = given.findIndex((weight) => !(weight >= 0 && weight < Number.POSITIVE_INFINITY));
  if (wrong >= 0)
    refuseArgument(where, `tokenWeights must be finite and at least 0, got ${given[wrong]} at row ${wrong}.`);
  return given.slice();
}

/** What each row's weight is divided by. */
function createDivisors(
  where: string,
  active: Int32Array,
  options: ReductionOptions,
  lengths: Int32Array | undefined,
): (row: number) => number {
  const normalizer = options.normalizer ?? (lengths === undefined ? active.length : lengths.length);
  switch (options.reduction) {
    case undefined:
    case "token-mean": {
      const tokens = options.normalizer ?? Math.max(1, active.length);
      requirePositive(where, "normalizer", tokens);
      return () => tokens;
    }
    case "sum":
      if (options.normalizer !== undefined)
        refuseArgument(where, `reduction "sum" divides by nothing, got normalizer ${options.normalizer}.`);
      return () => 1;
    case "sequence-mean": {
      const sequenceOf = indexSequences(where, options.reduction, lengths);
      requireNormalizer(where, normalizer, active);
      const counts = new Int32Array(lengths!.length);
      for (const row of active) counts[sequenceOf[row]!]!++;
      return (row) => counts[sequenceOf[row]!]! * normalizer;
    }
    case "constant-length":
      indexSequences(where, options.reduction, lengths);
      requireNormalizer(where, normalizer, active);
      requirePositive(where, "constantLength", options.constantLength);
      return () => options.constantLength * normalizer;
    default:
      return refuseArgument(
        where,
        `reduction must be "token-mean", "sequence-mean", "constant-length" or "sum", got ${JSON.stringify((options as { reduction: unknown }).reduction)}.`,
      );
  }
}
