import { type DecodeLayerWeights, type DecodePosition, decodeLayer, type GrowingCache } from "@imagine-opd/tensor-ops";
import * as tf from "@tensorflow/tfjs-core";
import { expect } from "vitest";
import { drawnTensor } from "./drawn-tensor.ts";

// What the tests of every backend's fused decode layer share. Imports nothing of Node: browsers run it too.

/** Sizes of a decoder layer and of the cache that it reads. */
export interface DecodeSizes {
  readonly rows: number;
  readonly width: number;
  readonly kvHeads: number;
  /** Query heads for each key head. */
  readonly group: number;
  /** Even. */
  readonly headSize: number;
  readonly inner: number;
  readonly length: number;
  /** Positions that the cache has beyond `length`. */
  readonly room: number;
}

/** Seven rows, grouped heads, a full cache. */
export const decodeExample: DecodeSizes = {
  rows: 7,
  width: 24,
  kvHeads: 2,
  group: 2,
  headSize: 12,
  inner: 20,
  length: 17,
  room: 0,
};

const four = (shape: readonly number[], seed: number) => drawnTensor(shape, seed) as tf.Tensor4D;

/** Weights in [−1, 1). */
export function decodeWeights({ width, kvHeads, group, headSize, inner }: DecodeSizes): DecodeLayerWeights {
  const [queries, keys] = [kvHeads * group * headSize, kvHeads * headSize];
  return {
    inputNorm: drawnTensor([width], 1),
    q: drawnTensor([queries, width], 2),
    k: drawnTensor([keys, width], 3),
    v: drawnTensor([keys, width], 4),
    o: drawnTensor([width, queries], 5),
    postNorm: drawnTensor([width], 6),
    gate: drawnTensor([inner, width], 7),
    up: drawnTensor([inner, width], 8),
    down: drawnTensor([width, inner], 9),
  };
}

/** Some rows have pads before them; a row always has a token of its own. */
export const decodePads = ({ rows, length }: DecodeSizes): Int32Array =>
  Int32Array.from({ length: rows }, (_, row) => (row % 3 === 0 ? 0 : (row * 5) % length));

/** Three steps from one cache, the first with angles that all rows share: the states, and the cache's positions in use. */
export function decodeThreeSteps(sizes: DecodeSizes, pads: Int32Array): tf.Tensor[] {
  const { rows, width, kvHeads, group, headSize, length, room } = sizes;
  return tf.tidy(() => {
    const weights = decodeWeights(sizes);
    const shape = [rows, kvHeads, length + room, headSize];
    let cache: GrowingCache = { k: four(shape, 10), v: four(shape, 11) };
    const states = [0, 1, 2].map((step) => {
      const cos = four([step === 0 ? 1 : rows, 1, 1, headSize], 12 + step);
      const sin = four([step === 0 ? 1 : rows, 1, 1, headSize], 16 + step);
      const position = { length: length + step, pads, cos, sin, heads: kvHeads * group, epsilon: 1e-3 };
      const next = decodeLayer(drawnTensor([rows, width], 20 + step) as tf.Tensor2D, weights, cache, position);
      tf.dispose([cache.k, cache.v]);
      cache = next.cache;
      return next.x;
    });
    const used = [rows, kvHeads, length + 3, headSize];
    return [...states, ...[cache.k, cache.v].map((part) => tf.slice(part, [0, 0, 0, 0], used))];
  });
}

/** Pads for the rows of {@link decodeExample}, up to one token of the row's own. */
export const unevenPads = Int32Array.of(0, 3, 0, 1, 16, 2, 7);

/** `[rows.length, width]` the states of some rows of {@link decodeExample} after one step, the first `skipped` pads left out. */
export function decodeRows(rows: readonly number[], skipped: number): tf.Tensor {
  const { width, kvHeads, headSize, length } = decodeExample;
  return tf.tidy(() => {
    const pick = <Picked extends tf.Tensor>(x: tf.Tensor) => tf.gather(x, tf.tensor1d([...rows], "int32")) as Picked;
    const cut = (seed: number) => {
      const picked = pick<tf.Tensor4D>(four([7, kvHeads, length, headSize], seed));
      return tf.slice(picked, [0, 0, skipped, 0], [rows.length, kvHeads, length - skipped, headSize]);
    };
    const position = {
      heads: 4,
      epsilon: 1e-3,
      length: length - skipped,
      pads: Int32Array.from(rows, (row) => unevenPads[row]! - skipped),
      cos: pick<tf.Tensor4D>(four([7, 1, 1, headSize], 12)),
      sin: pick<tf.Tensor4D>(four([7, 1, 1, headSize], 13)),
    };
    const x = pick<tf.Tensor2D>(drawnTensor([7, width], 20));
    return decodeLayer(x, decodeWeights(decodeExample), { k: cut(10), v: cut(11) }, position).x;
  });
}

/** Position of {@link decodeExample} without pads and without turning anything; `length` is the caller's to add. */
export function plainPosition(): Omit<DecodePosition, "length"> {
  const { rows, headSize } = decodeExample;
  return {
    pads: new Int32Array(rows),
    cos: tf.ones([rows, 1, 1, headSize]),
    sin: tf.zeros([rows, 1, 1, headSize]),
    heads: 4,
    epsilon: 1e-3,
  };
}

/** A cache of {@link decodeExample} with numbers in [−1, 1) at all positions. */
export const filledCache = (positions: number): GrowingCache => ({
  k: four([7, 2, positions, 12], 10),
  v: four([7, 2, positions, 12], 11),
});

/** What a fused decode layer refuses, in the words of `where`, for example `backend-wasm.OpdDecodeLayer`. */
export function expectMisfitsRefused(where: string): void {
  tf.tidy(() => {
    const weights = decodeWeights(decodeExample);
    const cache = { k: tf.zeros([7, 2, 17, 12]), v: tf.zeros([7, 2, 17, 12]) } as GrowingCache;
    const position = { ...plainPosition(), length: 17 };
    const x = tf.ones([7, 24]) as tf.Tensor2D;
    const wrong = { ...cache, v: tf.zeros([6, 2, 17, 12]) as tf.Tensor4D };
    expect(() => decodeLayer(x, weights, wrong, position)).toThrow(
      "the values must have shape [7,2,17,12], got [6,2,17",
    );
    expect(() => decodeLayer(x, { ...weights, o: tf.zeros([24, 47]) }, cache, position)).toThrow(
      `${where}: the output weight must have shape [24,48], got [24,47].`,
    );
    expect(() => decodeLayer(x, weights, cache, { ...position, length: 18 })).toThrow(
      "18 positions are said to be in use of a cache that holds 17",
    );
    expect(() => decodeLayer(x, weights, cache, { ...position, pads: Int32Array.of(0, 0, 0, 0, 0, 0, 18) })).toThrow(
      "7 rows need as many counts of pads, each from 0 to 17",
    );
  });
}
