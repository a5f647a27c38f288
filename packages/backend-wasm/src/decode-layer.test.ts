import "@tensorflow/tfjs-backend-cpu";
import { type DecodeLayerWeights, decodeLayer, type GrowingCache } from "@imagine-opd/tensor-ops";
import * as tf from "@tensorflow/tfjs-core";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { closeWasmBackend, openWasmBackend } from "./index.ts";

interface Sizes {
  readonly rows: number;
  readonly width: number;
  readonly kvHeads: number;
  readonly group: number;
  readonly half: number;
  readonly inner: number;
  readonly length: number;
  /** Positions that the cache has beyond `length`. */
  readonly room: number;
}

/** Reproducible numbers in [-1, 1). */
function numbers(size: number, seed: number): Float32Array {
  let state = seed * 2654435761 + 1;
  return Float32Array.from({ length: size }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

const tensor = (shape: readonly number[], seed: number): tf.Tensor =>
  tf.tensor(numbers(tf.util.sizeFromShape([...shape]), seed), [...shape]);

function makeWeights({ width, kvHeads, group, half, inner }: Sizes): DecodeLayerWeights {
  const [queries, keys] = [kvHeads * group * 2 * half, kvHeads * 2 * half];
  return {
    inputNorm: tensor([width], 1),
    q: tensor([queries, width], 2),
    k: tensor([keys, width], 3),
    v: tensor([keys, width], 4),
    o: tensor([width, queries], 5),
    postNorm: tensor([width], 6),
    gate: tensor([inner, width], 7),
    up: tensor([inner, width], 8),
    down: tensor([width, inner], 9),
  };
}

/** Some rows have pads before them; a row always has a token of its own. */
const padsOf = ({ rows, length }: Sizes): Int32Array =>
  Int32Array.from({ length: rows }, (_, row) => (row % 3 === 0 ? 0 : (row * 5) % length));

/** Three steps from one cache; the states, and the cache's positions in use. */
function decode(sizes: Sizes, pads: Int32Array): Float32Array[] {
  const { rows, width, kvHeads, group, half, length, room } = sizes;
  return tf.tidy(() => {
    const weights = makeWeights(sizes);
    const shape = [rows, kvHeads, length + room, 2 * half];
    let cache = { k: tensor(shape, 10), v: tensor(shape, 11) } as GrowingCache;
    const results: tf.Tensor[] = [];
    for (let step = 0; step < 3; step++) {
      const cos = tensor([rows, 1, 1, 2 * half], 12 + step) as tf.Tensor4D;
      const sin = tensor([rows, 1, 1, 2 * half], 16 + step) as tf.Tensor4D;
      const position = { length: length + step, pads, cos, sin, heads: kvHeads * group, epsilon: 1e-3 };
      const next = decodeLayer(tensor([rows, width], 20 + step) as tf.Tensor2D, weights, cache, position);
      tf.dispose([cache.k, cache.v]);
      cache = next.cache;
      results.push(next.x);
    }
    const used = [cache.k, cache.v].map((x) => tf.slice(x, [0, 0, 0, 0], [rows, kvHeads, length + 3, 2 * half]));
    return [...results, ...used].map((result) => result.dataSync() as Float32Array);
  });
}

/** The same on wasm from the composed form. */
function decodeComposed(sizes: Sizes, pads: Int32Array): Float32Array[] {
  const fused = tf.getKernel("OpdDecodeLayer", "wasm")!;
  tf.unregisterKernel("OpdDecodeLayer", "wasm");
  try {
    return decode(sizes, pads);
  } finally {
    tf.unregisterKernel("OpdDecodeLayer", "wasm");
    tf.registerKernel(fused);
  }
}

const upTo = (max: number) => fc.integer({ min: 1, max });
const anySizes: fc.Arbitrary<Sizes> = fc.record({
  rows: fc.oneof(upTo(9), fc.constant(33), fc.constant(64)),
  width: upTo(30),
  kvHeads: upTo(3),
  group: upTo(4),
  half: upTo(9),
  inner: upTo(25),
  length: upTo(40),
  room: fc.integer({ min: 0, max: 5 }),
});
const example: Sizes = { rows: 7, width: 24, kvHeads: 2, group: 2, half: 6, inner: 20, length: 19, room: 0 };

beforeAll(async () => {
  await openWasmBackend();
});
beforeEach(async () => {
  await tf.setBackend("wasm");
});
afterAll(() => closeWasmBackend());

it("computes what the composed form computes on cpu, whether the cache has room or not, and leaves nothing behind", async () => {
  await fc.assert(
    fc.asyncProperty(anySizes, async (sizes) => {
      await tf.setBackend("wasm");
      const before = tf.memory();
      const fused = decode(sizes, padsOf(sizes));
      expect(tf.memory().numTensors).toBe(before.numTensors);
      expect(tf.memory().numDataBuffers).toBe(before.numDataBuffers);
      await tf.setBackend("cpu");
      decode(sizes, padsOf(sizes)).forEach((expected, which) => {
        const scale = Math.max(1, ...expected.map(Math.abs));
        const largest = fused[which]!.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0);
        expect(largest / scale, `result ${which}`).toBeLessThan(2e-5);
      });
    }),
    { numRuns: 25, seed: 5 },
  );
});

it("gives the bits of the composed form on wasm where no row has pads", () => {
  const sizes = { ...example, width: 96, half: 12, inner: 200, rows: 5 };
  expect(decode(sizes, new Int32Array(5))).toEqual(decodeComposed(sizes, new Int32Array(5)));
});

it("gives a row the same bits alone and in any batch, with any pads", () => {
  const pads = Int32Array.of(0, 3, 0, 1, 18, 2, 7);
  const { width, half, kvHeads, length } = example;
  const weights = makeWeights(example);
  const states = tensor([7, width], 20);
  const [cos, sin] = [tensor([7, 1, 1, 2 * half], 12), tensor([7, 1, 1, 2 * half], 13)];
  const [k, v] = [tensor([7, kvHeads, length, 2 * half], 10), tensor([7, kvHeads, length, 2 * half], 11)];
  const attributes = { heads: 4, epsilon: 1e-3 };
  const run = (rows: readonly number[], skipped: number) =>
    tf.tidy(() => {
      const pick = (x: tf.Tensor) => tf.gather(x, tf.tensor1d([...rows], "int32"));
      const cut = (x: tf.Tensor) =>
        tf.slice(pick(x), [0, 0, skipped, 0], [rows.length, kvHeads, length - skipped, 2 * half]) as tf.Tensor4D;
      const position = {
        ...attributes,
        length: length - skipped,
        pads: Int32Array.from(rows, (row) => pads[row]! - skipped),
        cos: pick(cos) as tf.Tensor4D,
        sin: pick(sin) as tf.Tensor4D,
      };
      return decodeLayer(pick(states) as tf.Tensor2D, weights, { k: cut(k), v: cut(v) }, position).x.dataSync();
    });
  const all = run([0, 1, 2, 3, 4, 5, 6], 0);
  for (let row = 0; row < 7; row++) {
    expect(run([row], pads[row]!)).toEqual(all.slice(row * width, (row + 1) * width));
  }
  tf.dispose([states, cos, sin, k, v, ...Object.values(weights)]);
});

it("writes into a cache that has room, and doubles a full one", () => {
  tf.tidy(() => {
    const weights = makeWeights(example);
    const shape = [7, 2, 20, 12];
    const position = {
      pads: new Int32Array(7),
      cos: tf.ones([7, 1, 1, 12]) as tf.Tensor4D,
      sin: tf.zeros([7, 1, 1, 12]) as tf.Tensor4D,
      heads: 4,
      epsilon: 1e-3,
    };
    const x = tensor([7, 24], 3) as tf.Tensor2D;
    const cache = { k: tensor(shape, 10), v: tensor(shape, 11) } as GrowingCache;
    const roomy = decodeLayer(x, weights, cache, { ...position, length: 19 });
    expect(roomy.cache.k.shape).toEqual(shape);
    expect(roomy.cache.k.dataId).toBe(cache.k.dataId);
    const grown = decodeLayer(x, weights, roomy.cache, { ...position, length: 20 });
    expect(grown.cache.k.shape).toEqual([7, 2, 40, 12]);
  });
});

it("refuses a cache or a weight that does not fit", () => {
  tf.tidy(() => {
    const weights = makeWeights(example);
    const cache = { k: tf.zeros([7, 2, 19, 12]), v: tf.zeros([7, 2, 19, 12]) } as GrowingCache;
    const angles = tf.ones([7, 1, 1, 12]) as tf.Tensor4D;
    const position = { length: 19, pads: new Int32Array(7), cos: angles, sin: angles, heads: 4, epsilon: 1e-3 };
    const x = tf.ones([7, 24]) as tf.Tensor2D;
    const wrong = { ...cache, v: tf.zeros([6, 2, 19, 12]) as tf.Tensor4D };
    expect(() => decodeLayer(x, weights, wrong, position)).toThrow(
      "the values must have shape [7,2,19,12], got [6,2,19",
    );
    expect(() => decodeLayer(x, { ...weights, o: tf.zeros([24, 47]) }, cache, position)).toThrow(
      "backend-wasm.OpdDecodeLayer: the output weight must have shape [24,48], got [24,47].",
    );
    expect(() => decodeLayer(x, weights, cache, { ...position, length: 20 })).toThrow(
      "20 positions are said to be in use of a cache that holds 19",
    );
    expect(() => decodeLayer(x, weights, cache, { ...position, pads: Int32Array.of(0, 0, 0, 0, 0, 0, 20) })).toThrow(
      "7 rows need as many counts of pads, each from 0 to 19",
    );
  });
});
