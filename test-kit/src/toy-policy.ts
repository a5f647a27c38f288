import { type EncodedPrompt, ImagineOpdError, type PatchGrid } from "@imagine-opd/protocol";
import type {
  DecodingSession,
  Head,
  ImageFeatures,
  Policy,
  PolicyCallOptions,
  ScoredSequence,
  WeightView,
} from "@imagine-opd/protocol/policy";
import { randomStream } from "@imagine-opd/random-streams";
import * as tf from "@tensorflow/tfjs-core";

export interface ToyPolicyOptions {
  /** Vocabulary V, tokens. */
  readonly vocabSize: number;
  /** Hidden size D. @default 8 */
  readonly hidden?: number;
  /** Longest sequence, prompt and completion together, tokens. @default 64 */
  readonly contextLength?: number;
  /** Decides every weight. */
  readonly seed: number;
  /** Whether pictures change the states. @default true */
  readonly imageSensitive?: boolean;
}

/** A prompt of the given ids, with one picture of the given values when there are any. */
export function toyPrompt(ids: ArrayLike<number>, pixels?: readonly number[]): EncodedPrompt {
  const patches: PatchGrid[] =
    pixels === undefined
      ? []
      : [{ key: pixels.join(), values: Float32Array.from(pixels), grid: [1, 1, pixels.length] }];
  return { tokenIds: Int32Array.from(ids), patches };
}

/**
 * A policy small enough for tests and as an example of how to write one. The state after tokens `x_0 … x_t` is
 * `tanh(mean_i E[x_i] + E[x_t] + mean over pictures of mean(pixels) · u)`, `[D]`: all of the past and the pictures matter.
 * Logits are `states · headᵀ`. `embed` and `head` (both `[V, D]`) train; `u` does not.
 */
export function createToyPolicy(options: ToyPolicyOptions): Policy {
  const { vocabSize, hidden = 8, contextLength = 64, seed, imageSensitive = true } = options;
  const normal = (name: string, rows: number, scale: number): tf.Tensor2D => {
    const stream = randomStream(seed, "toy-policy", name);
    return tf.tensor2d(
      Float32Array.from({ length: rows * hidden }, () => scale * stream.normal()),
      [rows, hidden],
    );
  };
  const trainable = tf.tidy(() => ({
    embed: tf.variable(normal("embed", vocabSize, 0.7)),
    head: tf.variable(normal("head", vocabSize, 1)),
  }));
  const pictureDirection = normal("picture", 1, imageSensitive ? 1 : 0);

  const encodeImages = (patches: readonly PatchGrid[], call: { readonly weights?: WeightView } = {}): ImageFeatures => {
    resolveWeights(trainable, call.weights);
    const vectors = tf.tidy(() => patches.map((patch) => tf.mul(pictureDirection, mean(patch.values))));
    return toyFeatures(
      patches.map((patch) => patch.key),
      vectors,
    );
  };
  /** `[1, D]`: the mean of the pictures' vectors, each from `features` when it is there. */
  const pictureOf = ({ patches }: EncodedPrompt, features?: ImageFeatures): tf.Tensor =>
    tf.tidy(() => {
      const vectors = patches.map(
        (patch) => findVector(features, patch.key) ?? tf.mul(pictureDirection, mean(patch.values)),
      );
      return vectors.length === 0 ? tf.zeros([1, hidden]) : tf.div(tf.addN(vectors), vectors.length);
    });
  const picturesOf = (prompts: readonly EncodedPrompt[], features?: ImageFeatures): tf.Tensor =>
    tf.tidy(() =>
      tf.concat(
        prompts.map((prompt) => pictureOf(prompt, features)),
        0,
      ),
    );

  const completionStates = (sequences: readonly ScoredSequence[], call: PolicyCallOptions = {}): tf.Tensor2D =>
    tf.tidy(() => {
      const { embed } = resolveWeights(trainable, call.weights);
      for (const { prompt, completion } of sequences) {
        checkTokens([...prompt.tokenIds, ...completion], vocabSize, contextLength, "completionStates");
      }
      const mix = mixingRows(sequences, vocabSize);
      const perToken = sequences.flatMap(({ completion }, i) => new Array<number>(completion.length).fill(i));
      const pictures = picturesOf(
        sequences.map(({ prompt }) => prompt),
        call.features,
      );
      const inputs = tf.add(tf.matMul(mix, embed as tf.Tensor2D), tf.gather(pictures, perToken));
      return tf.tanh(inputs) as tf.Tensor2D;
    });

  const head: Head = {
    vocabSize,
    trainable: ["head"],
    logits: (states, { weights, from = 0, to = vocabSize } = {}) =>
      tf.tidy(() => {
        const rows = tf.slice(resolveWeights(trainable, weights).head as tf.Tensor2D, [from, 0], [to - from, hidden]);
        return tf.matMul(states, rows, false, true);
      }),
    backward: (states, dLogits, { from = 0, to = vocabSize } = {}) =>
      tf.tidy(() => {
        const rows = tf.slice(trainable.head as tf.Tensor2D, [from, 0], [to - from, hidden]);
        const dRows = tf.matMul(dLogits, states, true, false);
        const padding: [[number, number], [number, number]] = [
          [from, vocabSize - to],
          [0, 0],
        ];
        return { states: tf.matMul(dLogits, rows), trainable: { head: tf.pad(dRows, padding) } };
      }),
  };

  const startDecoding = (prompts: readonly EncodedPrompt[], call: PolicyCallOptions = {}): DecodingSession => {
    const { embed, head: headRows } = resolveWeights(trainable, call.weights);
    const prefill = (added: readonly EncodedPrompt[]): Cache => {
      for (const { tokenIds } of added) checkTokens(tokenIds, vocabSize, contextLength, "startDecoding");
      return tf.tidy(() => ({
        sums: tf.concat(
          added.map(({ tokenIds }) => tf.sum(tf.gather(embed, tokenIds), 0, true)),
          0,
        ),
        pictures: picturesOf(added, call.features),
        lengths: Int32Array.from(added, ({ tokenIds }) => tokenIds.length),
      }));
    };
    const logitsAfter = ({ sums, pictures, lengths }: Cache, lastIds: Int32Array): tf.Tensor2D =>
      tf.tidy(() => {
        const means = tf.div(sums, tf.tensor2d(Float32Array.from(lengths), [lengths.length, 1]));
        const states = tf.tanh(tf.addN([means, tf.gather(embed, lastIds), pictures])) as tf.Tensor2D;
        return tf.matMul(states, headRows as tf.Tensor2D, false, true);
      });
    const lastOf = (added: readonly EncodedPrompt[]) => Int32Array.from(added, ({ tokenIds }) => tokenIds.at(-1)!);

    let cache = prefill(prompts);
    let disposed = false;
    const replaceCache = (next: Cache): void => {
      tf.dispose([cache.sums, cache.pictures]);
      cache = next;
    };
    return {
      next(tokenIds) {
        if (tokenIds === undefined) return logitsAfter(cache, lastOf(prompts));
        if (tokenIds.length !== cache.lengths.length) {
          throw mismatch("next", `expected one id for each of ${cache.lengths.length} rows, got ${tokenIds.length}.`);
        }
        checkTokens(tokenIds, vocabSize, Number.POSITIVE_INFINITY, "next");
        const lengths = cache.lengths.map((length) => length + 1);
        checkLength(Math.max(...lengths), contextLength, "next");
        const sums = tf.tidy(() => tf.add(cache.sums, tf.gather(embed, tokenIds)));
        replaceCache({ sums, pictures: tf.clone(cache.pictures), lengths });
        return logitsAfter(cache, tokenIds);
      },
      select(rows) {
        const keep = (tensor: tf.Tensor): tf.Tensor => tf.gather(tensor, rows);
        const lengths = Int32Array.from(rows, (row) => cache.lengths[row]!);
        replaceCache({ sums: keep(cache.sums), pictures: keep(cache.pictures), lengths });
      },
      append(added) {
        const fresh = prefill(added);
        const logits = logitsAfter(fresh, lastOf(added));
        replaceCache({
          sums: tf.concat([cache.sums, fresh.sums], 0),
          pictures: tf.concat([cache.pictures, fresh.pictures], 0),
          lengths: Int32Array.of(...cache.lengths, ...fresh.lengths),
        });
        tf.dispose([fresh.sums, fresh.pictures]);
        return logits;
      },
      get lengths() {
        return cache.lengths.slice();
      },
      dispose() {
        if (!disposed) tf.dispose([cache.sums, cache.pictures]);
        disposed = true;
      },
    };
  };

  const dispose = (): void => tf.dispose([trainable.embed, trainable.head, pictureDirection]);
  return { vocabSize, contextLength, trainable, head, encodeImages, startDecoding, completionStates, dispose };
}

/** What a session keeps: the embeddings' sums and the pictures' vectors, both `[B, D]`, and the lengths. */
interface Cache {
  readonly sums: tf.Tensor;
  readonly pictures: tf.Tensor;
  readonly lengths: Int32Array;
}

type Trainable = { readonly embed: tf.Tensor; readonly head: tf.Tensor };

function resolveWeights(trainable: Trainable, view: WeightView = { kind: "student" }): Trainable {
  if (view.kind === "student") return trainable;
  if (view.kind !== "replaced") {
    throw mismatch("weights", `a policy without adapters has no view \`${view.kind}\`.`);
  }
  const { embed, head } = view.trainable;
  if (embed === undefined || head === undefined) throw mismatch("weights", "expected tensors `embed` and `head`.");
  return { embed, head };
}

/** `[N, V]`: row i holds the weight of every token's embedding in the state that predicts completion token i. */
function mixingRows(sequences: readonly ScoredSequence[], vocabSize: number): tf.Tensor2D {
  const total = sequences.reduce((sum, { completion }) => sum + completion.length, 0);
  if (total === 0) throw mismatch("completionStates", "expected at least one completion token, got none.");
  const mix = new Float32Array(total * vocabSize);
  let row = 0;
  for (const { prompt, completion } of sequences) {
    const tokens = [...prompt.tokenIds, ...completion];
    for (let i = 0; i < completion.length; i++, row++) {
      const length = prompt.tokenIds.length + i;
      for (let j = 0; j < length; j++) mix[row * vocabSize + tokens[j]!]! += 1 / length;
      mix[row * vocabSize + tokens[length - 1]!]! += 1;
    }
  }
  return tf.tensor2d(mix, [total, vocabSize]);
}

interface ToyFeatures extends ImageFeatures {
  readonly vectors: readonly tf.Tensor[];
}

function toyFeatures(keys: readonly string[], vectors: readonly tf.Tensor[]): ToyFeatures {
  return { keys, vectors, dispose: () => tf.dispose([...vectors]) };
}

function findVector(features: ImageFeatures | undefined, key: string): tf.Tensor | undefined {
  return features === undefined ? undefined : (features as ToyFeatures).vectors[features.keys.indexOf(key)];
}

function mean(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function checkTokens(ids: ArrayLike<number>, vocabSize: number, contextLength: number, where: string): void {
  const wrong = Array.from(ids).find((id) => id < 0 || id >= vocabSize);
  if (wrong !== undefined) throw mismatch(where, `expected ids from 0 to ${vocabSize - 1}, got ${wrong}.`);
  if (ids.length === 0) throw mismatch(where, "expected at least one token, got none.");
  checkLength(ids.length, contextLength, where);
}

function checkLength(length: number, contextLength: number, where: string): void {
  if (length <= contextLength) return;
  const problem = `expected at most ${contextLength} tokens, got ${length}.`;
  throw new ImagineOpdError("limit-exceeded", { where: `toy-policy.${where}`, problem });
}

function mismatch(where: string, problem: string): ImagineOpdError {
  return new ImagineOpdError("mismatch", { where: `toy-policy.${where}`, problem });
}
