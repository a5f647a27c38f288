import type { Head, WeightView } from "@imagine-opd/protocol/policy";
import * as tf from "@tensorflow/tfjs-core";
import type { ModelConfig } from "../config/model-config.ts";
import { applyLinear } from "./apply-linear.ts";
import { embeddingName, headName } from "./weight-names.ts";
import { adapterNames, type LinearWeights, type WeightStore } from "./weight-store.ts";

const student: WeightView = { kind: "student" };

/** The head's weights: `lm_head` where the checkpoint has one, else the token embedding. */
function bindHead(store: WeightStore, view: WeightView): LinearWeights {
  return store.has(headName) ? store.linear("lm_head", view) : { weight: store.tensor(embeddingName, view) };
}

/** The vocabulary rows `from … to` of the head. */
function sliceHead(weights: LinearWeights, from: number, to: number): LinearWeights {
  const [rows, width] = weights.weight.shape as [number, number];
  if (from === 0 && to === rows) return weights;
  const weight = tf.slice(weights.weight, [from, 0], [to - from, width]);
  if (weights.adapter === undefined) return { weight };
  const { a, b, scale } = weights.adapter;
  return { weight, adapter: { a, b: tf.slice(b, [from, 0], [to - from, b.shape[1]!]), scale } };
}

/** The gradient of a slice's rows as the gradient of the whole tensor. */
function padRows(gradient: tf.Tensor2D, from: number, rows: number): tf.Tensor2D {
  const [count] = gradient.shape;
  return count === rows
    ? gradient
    : tf.pad(gradient, [
        [from, rows - from - count],
        [0, 0],
      ]);
}

/** The language-model head of a policy; gradients are explicit, so that a loss can walk it in chunks. */
export function createHead(store: WeightStore, config: ModelConfig): Head {
  const weightName = store.has(headName) ? headName : embeddingName;
  const [aName, bName] = adapterNames("lm_head");
  const rows = config.text.vocabSize;
  const trainable = [weightName, aName, bName].filter((name) => store.trainable[name] !== undefined);
  return {
    vocabSize: rows,
    trainable,
    logits: (states, { weights = student, from = 0, to = rows } = {}) =>
      tf.tidy(() => applyLinear(states, sliceHead(bindHead(store, weights), from, to)) as tf.Tensor2D),
    backward: (states, dLogits, { from = 0, to = rows } = {}) =>
      tf.tidy(() => {
        const { weight, adapter } = sliceHead(bindHead(store, student), from, to);
        const gradients: Record<string, tf.Tensor> = {};
        let dStates = tf.matMul(dLogits, weight as tf.Tensor2D);
        if (trainable.includes(weightName))
          gradients[weightName] = padRows(tf.matMul(dLogits, states, true), from, rows);
        if (adapter !== undefined) {
          const [a, b] = [adapter.a as tf.Tensor2D, adapter.b as tf.Tensor2D];
          const dInner = tf.mul(tf.matMul(dLogits, b), adapter.scale) as tf.Tensor2D;
          dStates = tf.add(dStates, tf.matMul(dInner, a));
          if (trainable.includes(aName)) gradients[aName] = tf.matMul(dInner, states, true);
          if (trainable.includes(bName)) {
            const inner = tf.matMul(states, a, false, true);
            gradients[bName] = padRows(tf.mul(tf.matMul(dLogits, inner, true), adapter.scale), from, rows);
          }
        }
        return { states: dStates, trainable: gradients } as unknown as tf.Tensor;
      }) as unknown as ReturnType<Head["backward"]>,
  };
}
