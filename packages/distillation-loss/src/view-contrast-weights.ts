import { ImagineOpdError } from "@imagine-opd/protocol";
import { refuseArgument } from "./refuse-argument.ts";
import { requireCount } from "./require-number.ts";
import { locateRows, requireLengths } from "./sequence-lengths.ts";

export interface ViewContrastOptions {
  /** `[B]` tokens of each sequence, N = Σ; the sequences stand one after the other. */
  readonly lengths: Int32Array;
  /** Neighbouring sequences of one prompt, which are compared with each other; B is a multiple of it. */
  readonly groupSize: number;
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
 * ln T(y | wrong view). Population standard deviation; z = 0 where all of a group score alike. For `tokenWeights`, in which a
 * weight of 0 masks the sequence.
 */
export function viewContrastWeights(
  rightLogProbs: Float32Array,
  wrongLogProbs: Float32Array,
  { lengths, groupSize, gamma = 1, strength = 0.5, limit = 2 }: ViewContrastOptions,
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
  const scores = new Float64Array(lengths.length);
  for (const [row, right] of rightLogProbs.entries()) {
    const evidence = right - wrongLogProbs[row]!;
    scores[sequence[row]!]! += (evidence > 0 ? evidence : gamma * evidence) / lengths[sequence[row]!]!;
  }
  const standardised = standardise(scores, groupSize);
  return rightLogProbs.map((_, row) => Math.min(Math.max(1 + strength * standardised[sequence[row]!]!, 0), limit));
}

/** (score − mean) / standard deviation within each group; 0 where nothing differs but for rounding. */
function standardise(scores: Float64Array, groupSize: number): Float64Array {
  return scores.map((score, i) => {
    const first = i - (i % groupSize);
    const group = scores.subarray(first, first + groupSize);
    const mean = group.reduce((a, b) => a + b, 0) / groupSize;
    const deviation = Math.sqrt(group.reduce((sum, each) => sum + (each - mean) ** 2, 0) / groupSize);
    return deviation > 1e-8 ? (score - mean) / deviation : 0;
  });
}
