// A model that is not ours, as a Policy: bags of words with a colour sense. The state after some tokens is
// tanh(mean embedding of all tokens + mean colour of all pictures · colours); logits are states · headᵀ. No cache, no tricks.
import type { EncodedPrompt, RgbImage } from "@imagine-opd/protocol";
import type { Policy, WeightView } from "@imagine-opd/protocol/policy";
import * as tf from "@tensorflow/tfjs-core";

export const words = [".", "kite", "boat", "leaf", "red", "green", "blue"];

/** A prompt of one word. A picture is seen as its mean colour, from grey (0) to full (1). */
export function encode(word: string, images: readonly RgbImage[]): EncodedPrompt {
  const meanOf = ({ data }: RgbImage) =>
    Float32Array.from(
      [0, 1, 2],
      (c) => data.reduce((sum, v, i) => sum + (i % 3 === c ? v / 128 - 1 : 0), 0) / (data.length / 3),
    );
  const patches = images.map((image) => ({ key: image.data.join(), values: meanOf(image), grid: [1, 1, 1] as const }));
  return { tokenIds: Int32Array.of(words.indexOf(word)), patches };
}

/** @param colours `[3][V]` what red, green and blue add to the state */
export function openBagOfWords(vocabSize: number, colours: readonly (readonly number[])[]): Policy {
  const embed = tf.tidy(() => tf.variable(tf.eye(vocabSize)));
  const head = tf.tidy(() => tf.variable(tf.mul(tf.eye(vocabSize), 3)));
  const own = { embed, head };
  const weightsOf = (view?: WeightView) =>
    (view?.kind === "replaced" ? view.trainable : own) as Record<keyof typeof own, tf.Tensor2D>;
  const shareOf = (ids: readonly number[]) =>
    Array.from({ length: vocabSize }, (_, id) => ids.filter((each) => each === id).length / ids.length);
  const colourOf = ({ patches }: EncodedPrompt) =>
    [0, 1, 2].map((c) => patches.reduce((sum, { values }) => sum + values[c]!, 0) / Math.max(1, patches.length));
  const statesOf = (rows: readonly { prompt: EncodedPrompt; written: readonly number[] }[], view?: WeightView) =>
    tf.tidy(() => {
      const words = tf.tensor2d(rows.map(({ prompt, written }) => shareOf([...prompt.tokenIds, ...written])));
      const seen = tf.matMul(
        tf.tensor2d(rows.map(({ prompt }) => colourOf(prompt))),
        tf.tensor2d(colours.map((row) => [...row])),
      );
      return tf.tanh(tf.add(tf.matMul(words, weightsOf(view).embed), seen)) as tf.Tensor2D;
    });
  const rowsOf = (view: WeightView | undefined, from: number, to: number) =>
    tf.slice(weightsOf(view).head, [from, 0], [to - from, vocabSize]);
  const logits: Policy["head"]["logits"] = (states, { weights, from = 0, to = vocabSize } = {}) =>
    tf.tidy(() => tf.matMul(states, rowsOf(weights, from, to), false, true));
  return {
    vocabSize,
    contextLength: 64,
    trainable: own,
    head: {
      vocabSize,
      trainable: ["head"],
      logits,
      backward: (states, dLogits, { from = 0, to = vocabSize } = {}) => {
        const dRows = tf.tidy(() =>
          tf.pad(tf.matMul(dLogits, states, true), [
            [from, vocabSize - to],
            [0, 0],
          ]),
        );
        return { states: tf.tidy(() => tf.matMul(dLogits, rowsOf(undefined, from, to))), trainable: { head: dRows } };
      },
    },
    encodeImages: (patches) => ({ keys: patches.map(({ key }) => key), dispose() {} }),
    completionStates: (sequences, { weights } = {}) => {
      const before = ({ prompt, completion }: (typeof sequences)[number]) =>
        Array.from(completion, (_, t) => ({ prompt, written: [...completion.slice(0, t)] }));
      return statesOf(sequences.flatMap(before), weights);
    },
    startDecoding(prompts, { weights } = {}) {
      const open = (some: typeof prompts) => some.map((prompt) => ({ prompt, written: [] as number[] }));
      const next = (some: typeof rows) => tf.tidy(() => logits(statesOf(some, weights), weights && { weights }));
      let rows = open(prompts);
      return {
        next(ids) {
          rows = rows.map(({ prompt, written }, i) => ({
            prompt,
            written: ids === undefined ? written : [...written, ids[i]!],
          }));
          return next(rows);
        },
        select(kept) {
          rows = Array.from(kept, (i) => rows[i]!);
        },
        append(more) {
          const added = open(more);
          rows.push(...added);
          return next(added);
        },
        get lengths() {
          return Int32Array.from(rows, ({ prompt, written }) => prompt.tokenIds.length + written.length);
        },
        dispose() {},
      };
    },
    dispose: () => tf.dispose([embed, head]),
  };
}
