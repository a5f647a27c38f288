import type { Head, WeightView } from "@imagine-opd/protocol/policy";
import * as tf from "@tensorflow/tfjs-core";
import { takeActiveTokens } from "./active-rows.ts";
import { requireMatrix } from "./check-logits.ts";
import { createHeadReader } from "./head-reader.ts";
import type { HeadOptions } from "./loss-through-head.ts";
import type { DistributionOptions } from "./row-options.ts";
import { planRows, type RowPlan } from "./row-plan.ts";
import { stackColumns } from "./statistics.ts";
import { scoreTokens } from "./token-objective.ts";

/** What {@link tokenLogProbs} is told beside its `[N, D]` states. */
export interface TokenLogProbsOptions extends DistributionOptions, Pick<HeadOptions, "chunkVocabulary"> {
  readonly head: Head;
  /** Which weights of the head to use. @default { kind: "student" } */
  readonly weights?: WeightView;
  /** `[N]` ids to score. */
  readonly tokens: Int32Array;
}

/** `[N]` typed arrays in nats. */
export interface TokenLogProbs {
  /** Log-softmax of logits / temperature at the token. */
  readonly logProbs: Float32Array;
  /** Entropy of the distribution that the token stands in. */
  readonly entropy: Float32Array;
}

/** Scores given tokens from `[N, D]` hidden states, in chunks of rows and vocabulary and without gradient. */
export async function tokenLogProbs(
  states: tf.Tensor2D,
  { head, weights = { kind: "student" }, tokens, ...options }: TokenLogProbsOptions,
): Promise<TokenLogProbs> {
  const where = "distillation-loss.tokenLogProbs";
  requireMatrix(where, "states", states);
  const plan = planRows(where, states.shape[0], head.vocabSize, options);
  const ids = takeActiveTokens(plan, tokens);
  if (ids.length === 0) return { logProbs: new Float32Array(0), entropy: new Float32Array(0) };
  // Kept, because a tidy around the call ends before the answer is there.
  const scores = tf.keep(scoreChunks(plan, states, head, weights, ids));
  try {
    const numbers = (await scores.data()) as Float32Array;
    return { logProbs: numbers.slice(0, ids.length), entropy: numbers.slice(ids.length) };
  } finally {
    scores.dispose();
  }
}

/** `[2, N]` log-probs of the tokens and entropies of the rows. */
function scoreChunks(
  plan: RowPlan,
  states: tf.Tensor2D,
  head: Head,
  weights: WeightView,
  ids: Int32Array,
): tf.Tensor2D {
  return tf.tidy(() => {
    const reader = createHeadReader(plan, states, head, undefined, weights);
    const scores = plan.chunks.map((chunk) =>
      tf.tidy(() => {
        const vocabulary = reader.open(reader.rows(chunk), chunk);
        const scored = scoreTokens(vocabulary, ids.subarray(chunk.from, chunk.to), plan.temperature);
        return stackColumns(["studentLogProb", "studentEntropy"], scored);
      }),
    );
    return tf.concat(scores, 1);
  });
}
