import { ImagineOpdError } from "@imagine-opd/protocol";
import { largestLogRatio } from "./importance-ratio.ts";
import { requirePositive } from "./require-number.ts";

const where = "distillation-loss.truncatedImportanceWeights";

/**
 * `[N]` weights min(e^(s − s_sampling), cap) from `[N]` log-probs of the same tokens, the exponent held within ±20: for
 * `tokenWeights`, against a sampler whose numerics differ from the trainer's. (While the loss is computed, `importance` does
 * the same with the student's current log-probs.)
 */
export function truncatedImportanceWeights(
  logProbs: Float32Array,
  samplingLogProbs: Float32Array,
  { cap }: { readonly cap: number },
): Float32Array {
  requirePositive(where, "cap", cap);
  if (logProbs.length !== samplingLogProbs.length)
    throw new ImagineOpdError("mismatch", {
      where,
      problem: `both must score the same tokens, got ${logProbs.length} and ${samplingLogProbs.length} log-probs.`,
    });
  return logProbs.map((logProb, i) => {
    const logRatio = Math.min(Math.max(logProb - samplingLogProbs[i]!, -largestLogRatio), largestLogRatio);
    return Math.min(Math.exp(logRatio), cap);
  });
}
