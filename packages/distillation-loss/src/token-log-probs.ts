import type { Head, WeightView } from "@imagine-opd/protocol/policy";
import * as tf from "@tensorflow/tfjs-core";
import { takeActiveTokens } from "./active-rows.ts";
import { requireMatrix } from "./check-logits.ts";
import { createCeilings, limitLogits } from "./limit-logits.ts";
import { planRows, type RowOptions, type RowPlan, sliceChunk } from "./row-plan.ts";
import { rowTokenScore, tokenScoreStatistics } from "./row-token-score.ts";

export interface TokenLogProbsOptions extends Pick<RowOptions, "temperature" | "banned" | "chunkRows"> {
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

/** Scores given tokens from `[N, D]` hidden states, in chunks of rows and without gradient. */
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
    const row = (name: (typeof tokenScoreStatistics)[number]) => {
      const first = tokenScoreStatistics.indexOf(name) * ids.length;
      return numbers.slice(first, first + ids.length);
    };
    return { logProbs: row("studentLogProb"), entropy: row("studentEntropy") };
  } finally {
    scores.dispose();
  }
}

function scoreChunks(
  plan: RowPlan,
  states: tf.Tensor2D,
  head: Head,
  weights: WeightView,
  ids: Int32Array,
): tf.Tensor2D {
  return tf.tidy(() => {
    const ceilings = createCeilings(plan);
    const scores = plan.chunks.map((chunk) =>
      tf.tidy(() => {
        const logits = tf.tidy(() => limitLogits(head.logits(sliceChunk(states, chunk), { weights }), ceilings));
        const tokens = tf.tensor1d(ids.subarray(chunk.from, chunk.to), "int32");
        return rowTokenScore([logits, tokens], { temperature: plan.temperature }) as tf.Tensor2D;
      }),
    );
    return tf.concat(scores, 1);
  });
}
