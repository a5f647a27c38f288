import { refuseArgument } from "./refuse-argument.ts";
import { locateRows, requireLengths } from "./sequence-lengths.ts";

export interface PrefixWeightsOptions {
  /** `[B]` tokens of each sequence, N = Σ; the sequences stand one after the other. */
  readonly lengths: Int32Array;
  /** How much more the first token counts than the end of the sequence, at least 0. @default 0.5 */
  readonly gamma?: number;
  /** Least Σ|r| that is divided by, in nats. @default 1e-8 */
  readonly epsilon?: number;
}

const where = "distillation-loss.prefixWeights";

/**
 * `[N]` weights w_t = 1 + γ·(1 − Σ_{i<t}|r_i| / max(Σ_i |r_i|, ε)) of IW-OPD, from the `[N]` log-ratios r = ln T(y) − ln S(y)
 * of either sign: tokens before the disagreements count up to 1 + γ, those after them 1. For `tokenWeights`. In float64.
 */
export function prefixWeights(
  logRatios: Float32Array,
  { lengths, gamma = 0.5, epsilon = 1e-8 }: PrefixWeightsOptions,
): Float32Array {
  if (!(gamma >= 0 && epsilon > 0))
    refuseArgument(where, `gamma must be at least 0 and epsilon above 0, got ${gamma} and ${epsilon}.`);
  const { sequence } = locateRows(requireLengths(where, logRatios.length, lengths));
  const totals = new Float64Array(lengths.length);
  for (const [row, ratio] of logRatios.entries()) totals[sequence[row]!]! += Math.abs(ratio);
  const before = new Float64Array(lengths.length);
  return logRatios.map((ratio, row) => {
    const own = sequence[row]!;
    const share = before[own]! / Math.max(totals[own]!, epsilon);
    before[own]! += Math.abs(ratio);
    return 1 + gamma * Math.max(0, 1 - share);
  });
}
