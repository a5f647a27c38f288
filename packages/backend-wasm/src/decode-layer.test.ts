import "@tensorflow/tfjs-backend-cpu";
import { decodeLayer } from "@imagine-opd/tensor-ops";
import {
  type DecodeSizes,
  decodeExample,
  decodePads,
  decodeRows,
  decodeThreeSteps,
  decodeWeights,
  expectMisfitsRefused,
  filledCache,
  plainPosition,
  unevenPads,
} from "@imagine-opd/test-kit";
import * as tf from "@tensorflow/tfjs-core";
import fc from "fast-check";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { closeWasmBackend, openWasmBackend } from "./index.ts";

const decode = (sizes: DecodeSizes, pads: Int32Array): Float32Array[] => {
  const tensors = decodeThreeSteps(sizes, pads);
  const values = tensors.map((tensor) => tensor.dataSync() as Float32Array);
  tf.dispose(tensors);
  return values;
};

/** The same on wasm from the composed form. */
function decodeComposed(sizes: DecodeSizes, pads: Int32Array): Float32Array[] {
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
const anySizes: fc.Arbitrary<DecodeSizes> = fc.record({
  rows: fc.oneof(upTo(9), fc.constant(33), fc.constant(64)),
  width: upTo(30),
  kvHeads: upTo(3),
  group: upTo(4),
  headSize: upTo(9).map((half) => 2 * half),
  inner: upTo(25),
  length: upTo(40),
  room: fc.integer({ min: 0, max: 5 }),
});

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
      const fused = decode(sizes, decodePads(sizes));
      expect(tf.memory().numTensors).toBe(before.numTensors);
      expect(tf.memory().numDataBuffers).toBe(before.numDataBuffers);
      await tf.setBackend("cpu");
      decode(sizes, decodePads(sizes)).forEach((expected, which) => {
        const scale = Math.max(1, ...expected.map(Math.abs));
        const largest = fused[which]!.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0);
        expect(largest / scale, `result ${which}`).toBeLessThan(2e-5);
      });
    }),
    { numRuns: 25, seed: 5 },
  );
});

it("gives the bits of the composed form on wasm where no row has pads", () => {
  const sizes = { ...decodeExample, width: 96, headSize: 24, inner: 200, rows: 5 };
  expect(decode(sizes, new Int32Array(5))).toEqual(decodeComposed(sizes, new Int32Array(5)));
});

it("gives a row the same bits alone and in any batch, with any pads", () => {
  tf.tidy(() => {
    const all = decodeRows([0, 1, 2, 3, 4, 5, 6], 0).dataSync();
    const { width } = decodeExample;
    for (let row = 0; row < 7; row++) {
      expect(decodeRows([row], unevenPads[row]!).dataSync()).toEqual(all.slice(row * width, (row + 1) * width));
    }
  });
});

it("writes into a cache that has room, and doubles a full one", () => {
  tf.tidy(() => {
    const weights = decodeWeights(decodeExample);
    const position = plainPosition();
    const x = tf.ones([7, 24]) as tf.Tensor2D;
    const cache = filledCache(18);
    const roomy = decodeLayer(x, weights, cache, { ...position, length: 17 });
    expect(roomy.cache.k.shape).toEqual([7, 2, 18, 12]);
    expect(roomy.cache.k.dataId).toBe(cache.k.dataId);
    const grown = decodeLayer(x, weights, roomy.cache, { ...position, length: 18 });
    expect(grown.cache.k.shape).toEqual([7, 2, 36, 12]);
  });
});

it("refuses a cache or a weight that does not fit", () => expectMisfitsRefused("backend-wasm.OpdDecodeLayer"));
