import { refuseArgument } from "./refuse-argument.ts";
import { requireCount, requirePositive } from "./require-number.ts";
import type { ReductionOptions, SkipOptions, WeightOptions } from "./row-options.ts";
import { locateRows, requireLengths } from "./sequence-lengths.ts";

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
  const weights = takeWeights(where, rows, options.tokenWeights);
  if (options.skipFirst !== undefined) {
    requireCount(where, "skipFirst", options.skipFirst, 0, "tokens");
    const { position } = locateRows(requireLengths(where, rows, options.lengths));
    for (const row of weights.keys()) if (position[row]! < options.skipFirst) weights[row] = 0;
  }
  const active = Int32Array.from(weights.keys()).filter((row) => weights[row]! > 0);
  const divisorOf = createDivisors(where, rows, active, options);
  return { active, coefficients: Float32Array.from(active, (row) => weights[row]! / divisorOf(row)) };
}

/** A copy of the `[N]` weights, 1 for every row where none are given; refuses what is not finite and at least 0. */
export function takeWeights(where: string, rows: number, given: Float32Array | undefined): Float32Array {
  if (given === undefined) return new Float32Array(rows).fill(1);
  if (given.length !== rows)
    refuseArgument(where, `tokenWeights must have one entry for each of the ${rows} rows, got ${given.length}.`);
  const wrong = given.findIndex((weight) => !(weight >= 0 && weight < Number.POSITIVE_INFINITY));
  if (wrong >= 0)
    refuseArgument(where, `tokenWeights must be finite and at least 0, got ${given[wrong]} at row ${wrong}.`);
  return given.slice();
}

/** What the reduction divides each row's weight by. */
function createDivisors(
  where: string,
  rows: number,
  active: Int32Array,
  options: ReductionOptions,
): (row: number) => number {
  const normalizerOr = (own: number) => {
    const normalizer = options.normalizer ?? Math.max(1, own);
    requirePositive(where, "normalizer", normalizer);
    return normalizer;
  };
  switch (options.reduction) {
    case undefined:
    case "token-mean": {
      const tokens = normalizerOr(active.length);
      return () => tokens;
    }
    case "sequence-mean": {
      const lengths = requireLengths(where, rows, options.lengths);
      const sequences = normalizerOr(lengths.length);
      const { sequence } = locateRows(lengths);
      const tokens = new Int32Array(lengths.length);
      for (const row of active) tokens[sequence[row]!]!++;
      return (row) => tokens[sequence[row]!]! * sequences;
    }
    case "constant-length": {
      const sequences = normalizerOr(requireLengths(where, rows, options.lengths).length);
      requirePositive(where, "constantLength", options.constantLength);
      return () => options.constantLength * sequences;
    }
    case "sum":
      if (options.normalizer !== undefined)
        refuseArgument(where, 'reduction "sum" divides by nothing and takes no normalizer.');
      return () => 1;
    default:
      return refuseReduction(where, options);
  }
}

function refuseReduction(where: string, { reduction }: { readonly reduction: unknown }): never {
  const known = '"token-mean", "sequence-mean", "constant-length" or "sum"';
  return refuseArgument(where, `reduction must be ${known}, got ${JSON.stringify(reduction)}.`);
}
