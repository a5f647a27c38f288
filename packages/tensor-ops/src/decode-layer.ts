import * as tf from "@tensorflow/tfjs-core";
import { attention } from "./attention.ts";
import { defineKernel } from "./define-kernel.ts";
import { linear } from "./linear.ts";
import { rmsNorm } from "./rms-norm.ts";
import { rotary } from "./rotary.ts";
import { swiGlu } from "./swi-glu.ts";

/** Weights of a Llama decoder layer; matrices are `[out, in]`. */
export interface DecodeLayerWeights {
  readonly inputNorm: tf.Tensor;
  readonly q: tf.Tensor;
  readonly k: tf.Tensor;
  readonly v: tf.Tensor;
  readonly o: tf.Tensor;
  readonly postNorm: tf.Tensor;
  readonly gate: tf.Tensor;
  readonly up: tf.Tensor;
  readonly down: tf.Tensor;
}

/** Keys (after the rotation) and values, `[B, kvHeads, capacity, d]`, of which the first positions are in use. */
export interface GrowingCache {
  readonly k: tf.Tensor4D;
  readonly v: tf.Tensor4D;
}

/** Where the new tokens of all rows stand. */
export interface DecodePosition {
  /** Cached positions in use, pads counted; the new token takes the next one. */
  readonly length: number;
  /** `[B]` positions before each row's first token, which it does not see. */
  readonly pads: Int32Array;
  /** `[B, 1, 1, d]`, as `rotary` takes them. */
  readonly cos: tf.Tensor4D;
  readonly sin: tf.Tensor4D;
  readonly heads: number;
  readonly epsilon: number;
}

type Attributes = Pick<DecodePosition, "length" | "pads" | "heads" | "epsilon">;

/**
 * `[B, 1, 1, keys]` bias of `attention` that hides the pads before each row; none when no row has any.
 * @param pads `[B]`
 */
export function padBias(pads: Int32Array, keys: number): { readonly bias?: tf.Tensor4D } {
  if (pads.every((count) => count === 0)) return {};
  const values = new Float32Array(pads.length * keys);
  pads.forEach((count, row) => {
    values.fill(-1e9, row * keys, row * keys + count);
  });
  return { bias: tf.tensor4d(values, [pads.length, 1, 1, keys]) };
}

/** The cache up to `length`, and one position more. */
function extendCache(cache: tf.Tensor, length: number, added: tf.Tensor): tf.Tensor4D {
  const [rows, heads, capacity, size] = cache.shape as [number, number, number, number];
  const used = capacity === length ? cache : tf.slice(cache, [0, 0, 0, 0], [rows, heads, length, size]);
  return tf.concat([used, added], 2) as tf.Tensor4D;
}

const decodeLayerKernel = defineKernel<Attributes>({
  name: "OpdDecodeLayer",
  compose: (inputs, { length, pads, heads, epsilon }) => {
    const [x, inputNorm, qWeight, kWeight, vWeight, o, postNorm, gate, up, down] = inputs;
    const [pastK, pastV, cos, sin] = inputs.slice(10) as tf.Tensor4D[];
    const [rows, width] = x!.shape as [number, number];
    const size = pastK!.shape[3]!;
    const normed = rmsNorm(x!, inputNorm!, epsilon);
    // A single position: the heads need no transposition.
    const split = (weight: tf.Tensor) =>
      tf.reshape(linear(normed, weight), [rows, weight.shape[0]! / size, 1, size]) as tf.Tensor4D;
    const k = extendCache(pastK!, length, rotary(split(kWeight!), cos!, sin!));
    const v = extendCache(pastV!, length, split(vWeight!));
    const attended = attention(rotary(split(qWeight!), cos!, sin!), k, v, padBias(pads, length + 1));
    const middle = tf.add(x!, linear(tf.reshape(attended, [rows, heads * size]), o!));
    const inner = rmsNorm(middle, postNorm!, epsilon);
    const gated = swiGlu(linear(inner, gate!), linear(inner, up!));
    return [tf.reshape(tf.add(middle, linear(gated, down!)), [rows, width]), k, v];
  },
});

/**
 * One Llama decoder layer for one new token a row, over a cache that grows. Without a gradient.
 *
 * The cache that comes in is used up: a backend may write the new position into its memory and return the same memory, so
 * only the returned cache may be read afterwards. Its tensors are still the caller's to dispose.
 * @param x `[B, D]`
 * @returns `[B, D]`, and a cache whose first `length + 1` positions are in use (its capacity may be larger)
 */
export function decodeLayer(
  x: tf.Tensor2D,
  weights: DecodeLayerWeights,
  cache: GrowingCache,
  { cos, sin, ...attributes }: DecodePosition,
): { x: tf.Tensor2D; cache: GrowingCache } {
  const { inputNorm, q, k, v, o, postNorm, gate, up, down } = weights;
  const inputs = [x, inputNorm, q, k, v, o, postNorm, gate, up, down, cache.k, cache.v, cos, sin];
  const [state, newK, newV] = decodeLayerKernel<[tf.Tensor2D, tf.Tensor4D, tf.Tensor4D]>(inputs, attributes);
  return { x: state, cache: { k: newK, v: newV } };
}
