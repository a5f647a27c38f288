import { ImagineOpdError } from "@imagine-opd/protocol";
import { refuseArgument } from "./refuse-argument.ts";
import { requireCount } from "./require-number.ts";
import { locateRows, requireLengths } from "./sequence-lengths.ts";
import { takeWeights } from "./weigh-tokens.ts";

export interface ViewContrastOptions {
  /** `[B]` tokens of each sequence, N = Σ; the sequences stand one after the other. */
  readonly lengths: Int32Array;
  /** Neighbouring sequences of one prompt, which are compared with each other; B is a multiple of it. */
  readonly groupSize: number;
  /**
   * `[N]` tokens with weight 0 do not count, and a sequence of nothing else is not compared; other weights do not matter.
   * @default every token counts
   */
  readonly tokenWeights?: Float32Array;
  /** What a token that the wrong view explains better counts against one that the right view does. @default 1 */
  readonly gamma?: number;
  /** Weight that one standard deviation of the score is worth. @default 0.5 */
  readonly strength?: number;
  /** Largest weight. @default 2 */
  readonly limit?: number;
}

const where = "distillation-loss.viewContrastWeights";

/**
 * `[N]` weights of V-Zero, the same for all tokens of a sequence: w = clip(1 + strength·z, 0, limit), where z standardises
 * within each prompt's group the score e = mean_t(relu(d) − γ·relu(−d)) of the tokens' evidence d = ln T(y | right view) −
 * ln T(y | wrong view). The mean is over the tokens that count, the group the sequences that have any; z = 0 for the others.
 * Population standard deviation; z = 0 where all of a group score alike. For `tokenWeights`, in which a weight of 0 masks the
 * sequence.
 */
export function viewContrastWeights(
  rightLogProbs: Float32Array,
  wrongLogProbs: Float32Array,
  { lengths, groupSize, tokenWeights, gamma = 1, strength = 0.5, limit = 2 }: ViewContrastOptions,
): Float32Array {
  if (rightLogProbs.length !== wrongLogProbs.length)
    throw new ImagineOpdError("mismatch", {
      where,
      problem: `both views must score the same tokens, got ${rightLogProbs.length} and ${wrongLogProbs.length} log-probs.`,
    });
  requireCount(where, "groupSize", groupSize, 1, "sequences");
  const { sequence } = locateRows(requireLengths(where, rightLogProbs.length, lengths));
  if (lengths.length % groupSize !== 0)
    refuseArgument(where, `groups of ${groupSize} must divide the ${lengths.length} sequences.`);
  const counts = takeWeights(where, rightLogProbs.length, tokenWeights).map(Math.sign);
  const tokens = new Int32Array(lengths.length);
  for (const [row, count] of counts.entries()) tokens[sequence[row]!]! += count;
  const scores = new Float64Array(lengths.length);
  for (const [row, right] of rightLogProbs.entries()) {
    if (counts[row] === 0) continue;
    const evidence = right - wrongLogProbs[row]!;
    scores[sequence[row]!]! += (evidence > 0 ? evidence : gamma * evidence) / tokens[sequence[row]!]!;
  }
  const standardised = standardise(scores, tokens, groupSize);
  return rightLogProbs.map((_, row) => Math.min(Math.max(1 + strength * standardised[sequence[row]!]!, 0), limit));
}

/** (score − mean) / standard deviation among those of each group that have tokens; 0 where nothing differs but for rounding. */
function standardise(scores: Float64Array, tokens: Int32Array, groupSize: number): Float64Array {
  return scores.map((score, i) => {
    if (tokens[i] === 0) return 0;
    const first = i - (i % groupSize);
    const group = scores.subarray(first, first + groupSize).filter((_, j) => tokens[first + j]! > 0);
    const mean = group.reduce((a, b) => a + b, 0) / group.length;
    const deviation = Math.sqrt(group.reduce((sum, each) => sum + (each - mean) ** 2, 0) / group.length);
    return deviation > 1e-8 ? (score - mean) / deviation : 0;
  });
}
