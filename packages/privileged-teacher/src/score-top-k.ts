import { ImagineOpdError } from "@imagine-opd/protocol";
import type { Head, WeightView } from "@imagine-opd/protocol/policy";
import * as tf from "@tensorflow/tfjs-core";

export interface ScoreTopKOptions {
  readonly head: Head;
  readonly weights: WeightView;
  readonly k: number;
  /** @default 1 */
  readonly temperature?: number;
  /** @default none */
  readonly banned?: Int32Array;
  /** Rows of `[N, D]` that go through the head at once. @default as many as fit in 32 MiB */
  readonly chunkRows?: number;
}

const chunkBytes = 32 * 2 ** 20;
/** Far below every logit, and finite: some backends cannot tell infinities. */
const impossible = -1e30;

/** The k most probable ids of each row, the most probable first, with log-softmax(logits / temperature) of the whole row. */
export async function scoreTopK(
  states: tf.Tensor2D,
  { head, weights, k, temperature = 1, banned = new Int32Array(0), chunkRows }: ScoreTopKOptions,
): Promise<{ ids: Int32Array; logProbs: Float32Array }> {
  const { vocabSize } = head;
  const possible = vocabSize - new Set(banned).size;
  if (!Number.isSafeInteger(k) || k < 1 || k > possible) {
    throw new ImagineOpdError("invalid-argument", {
      where: "privileged-teacher.score",
      problem: `\`k\` must be an integer from 1 to the ${possible} ids that are not banned, got ${k}.`,
    });
  }
  const [rows, width] = states.shape;
  const step = chunkRows ?? Math.max(1, Math.floor(chunkBytes / (4 * vocabSize)));
  const ids = new Int32Array(rows * k);
  const logProbs = new Float32Array(rows * k);
  const ceilings = new Float32Array(vocabSize).fill(-impossible);
  for (const id of banned) ceilings[id] = impossible;
  for (let from = 0; from < rows; from += step) {
    const count = Math.min(step, rows - from);
    const [indices, values] = tf.tidy((): [tf.Tensor, tf.Tensor] => {
      const logits = head.logits(tf.slice(states, [from, 0], [count, width]), { weights });
      const scaled = tf.div(tf.minimum(logits, tf.tensor1d(ceilings)), temperature);
      const shifted = tf.sub(scaled, tf.max(scaled, 1, true));
      const top = tf.topk(shifted, k, true);
      return [top.indices, tf.sub(top.values, tf.log(tf.sum(tf.exp(shifted), 1, true)))];
    });
    try {
      ids.set(await indices.data<"int32">(), from * k);
      logProbs.set(await values.data<"float32">(), from * k);
    } finally {
      tf.dispose([indices, values]);
    }
  }
  return { ids, logProbs };
}
