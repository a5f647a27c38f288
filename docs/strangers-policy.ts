// A model that is not ours, as a Policy: one linear layer. The state `[V + 3]` after some tokens is how often each word was
// said, and the mean colour of all pictures; logits are states · head.
import type { EncodedPrompt } from "@imagine-opd/protocol";
import type { Policy, WeightView } from "@imagine-opd/protocol/policy";
import { openUncachedDecoding } from "@imagine-opd/rollout-sampler";
import * as tf from "@tensorflow/tfjs-core";

/** @param start `[V + 3, V]` the head before training */
export function openLinearModel(start: number[][]): Policy {
  const vocabSize = start[0]!.length;
  const own = tf.tidy(() => tf.variable(tf.tensor2d(start)));
  const headOf = (view?: WeightView) => (view?.kind === "replaced" ? view.trainable.own : own) as tf.Tensor2D;
  const stateOf = (said: number[], { patches }: EncodedPrompt) => [
    ...start[0]!.map((_, word) => said.filter((id) => id === word).length / said.length),
    ...[0, 1, 2].map((c) => patches.reduce((sum, { values }) => sum + values[c]! / patches.length, 0)),
  ];
  const completionStates: Policy["completionStates"] = (sequences) => {
    const statesOf = ({ prompt, completion }: (typeof sequences)[number]) =>
      Array.from(completion, (_, t) => stateOf([...prompt.tokenIds, ...completion.slice(0, t)], prompt));
    return tf.tensor2d(sequences.flatMap(statesOf));
  };
  const head: Policy["head"] = {
    vocabSize,
    trainable: ["own"],
    logits: (states, { weights, from = 0, to = vocabSize } = {}) =>
      tf.tidy(() => tf.slice2d(tf.matMul(states, headOf(weights)), [0, from], [-1, to - from])),
    backward: (states, dLogits, { from = 0, to = vocabSize } = {}) =>
      tf.tidy(() => {
        const columns: [number, number] = [from, vocabSize - to];
        const whole = tf.pad(dLogits, [[0, 0], columns]);
        return { states: tf.matMul(whole, own, false, true), trainable: { own: tf.matMul(states, whole, true) } };
      }),
  };
  const encodeImages: Policy["encodeImages"] = (patches) => ({ keys: patches.map(({ key }) => key), dispose() {} });
  const startDecoding: Policy["startDecoding"] = (...args) => openUncachedDecoding({ completionStates, head }, ...args);
  const size = { vocabSize, contextLength: 64 };
  const trainable = { own };
  return { ...size, trainable, head, completionStates, encodeImages, startDecoding, dispose: () => own.dispose() };
}
