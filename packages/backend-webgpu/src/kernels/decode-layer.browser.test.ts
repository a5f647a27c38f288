import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-webgpu";
import { type DecodeLayerWeights, decodeLayer, type GrowingCache } from "@imagine-opd/tensor-ops";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { expectClose, onWebgpu, startWebgpu, take, tensor } from "../../test/parity.ts";

interface Sizes {
  readonly rows: number;
  readonly width: number;
  readonly kvHeads: number;
  readonly group: number;
  readonly headSize: number;
  readonly inner: number;
  readonly length: number;
  /** Positions that the cache has beyond `length`. */
  readonly room: number;
}

const example: Sizes = {
  rows: 7,
  width: 24,
  kvHeads: 2,
  group: 2,
  headSize: 12,
  inner: 20,
  length: 17,
  room: 0,
};

function makeWeights({ width, kvHeads, group, headSize, inner }: Sizes): DecodeLayerWeights {
  const [queries, keys] = [kvHeads * group * headSize, kvHeads * headSize];
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

const four = (shape: readonly number[], seed: number) => tensor(shape, seed) as tf.Tensor4D;

/** Some rows have pads before them; a row always has a token of its own. */
const padsOf = ({ rows, length }: Sizes): Int32Array =>
  Int32Array.from({ length: rows }, (_, row) => (row % 3 === 0 ? 0 : (row * 5) % length));

/** Three steps from one cache; the states, and the cache's positions in use. */
function decode(sizes: Sizes, pads: Int32Array): Promise<Float32Array[]> {
  const { rows, width, kvHeads, group, headSize, length, room } = sizes;
  return take(
    tf.tidy(() => {
      const weights = makeWeights(sizes);
      const shape = [rows, kvHeads, length + room, headSize];
      let cache: GrowingCache = { k: four(shape, 10), v: four(shape, 11) };
      const states = [0, 1, 2].map((step) => {
        const cos = four([step === 0 ? 1 : rows, 1, 1, headSize], 12 + step);
        const sin = four([step === 0 ? 1 : rows, 1, 1, headSize], 16 + step);
        const position = { length: length + step, pads, cos, sin, heads: kvHeads * group, epsilon: 1e-3 };
        const next = decodeLayer(tensor([rows, width], 20 + step) as tf.Tensor2D, weights, cache, position);
        tf.dispose([cache.k, cache.v]);
        cache = next.cache;
        return next.x;
      });
      const used = [rows, kvHeads, length + 3, headSize];
      return [...states, ...[cache.k, cache.v].map((part) => tf.slice(part, [0, 0, 0, 0], used))];
    }),
  );
}

describe("the fused decode layer", () => {
  beforeAll(async () => {
    await startWebgpu();
  });

  it.each<[string, Sizes]>([
    ["a full cache, grouped heads, pads", example],
    ["a cache with room", { ...example, room: 3 }],
    ["one row, long past", { ...example, rows: 1, length: 200 }],
    [
      "a head for each key head, heads wider than a workgroup",
      { ...example, rows: 2, group: 1, headSize: 70, inner: 65 },
    ],
    ["an empty past but for one position", { ...example, length: 1, rows: 5 }],
  ])("computes what the composed form computes on cpu: %s", async (_what, sizes) => {
    const fused = await onWebgpu(() => decode(sizes, padsOf(sizes)));
    expect(await onWebgpu(() => decode(sizes, padsOf(sizes)))).toEqual(fused);
    await tf.setBackend("cpu");
    expectClose(fused, await decode(sizes, padsOf(sizes)));
  });

  it("gives a row the same bits alone and in any batch, with any pads", async () => {
    const { width, headSize, kvHeads, length } = example;
    const pads = Int32Array.of(0, 3, 0, 1, 16, 2, 7);
    const run = (rows: readonly number[], skipped: number) =>
      onWebgpu(() =>
        take(
          tf.tidy(() => {
            const pick = (x: tf.Tensor) => tf.gather(x, tf.tensor1d([...rows], "int32"));
            const cut = (seed: number) =>
              tf.slice(
                pick(tensor([7, kvHeads, length, headSize], seed)),
                [0, 0, skipped, 0],
                [rows.length, kvHeads, length - skipped, headSize],
              ) as tf.Tensor4D;
            const position = {
              heads: 4,
              epsilon: 1e-3,
              length: length - skipped,
              pads: Int32Array.from(rows, (row) => pads[row]! - skipped),
              cos: pick(four([7, 1, 1, headSize], 12)) as tf.Tensor4D,
              sin: pick(four([7, 1, 1, headSize], 13)) as tf.Tensor4D,
            };
            const x = pick(tensor([7, width], 20)) as tf.Tensor2D;
            const next = decodeLayer(x, makeWeights(example), { k: cut(10), v: cut(11) }, position);
            return [next.x];
          }),
        ),
      );
    const [all] = await run([0, 1, 2, 3, 4, 5, 6], 0);
    for (let row = 0; row < 7; row++) {
      expect(await run([row], pads[row]!)).toEqual([all!.slice(row * width, (row + 1) * width)]);
    }
  });

  it("is one kernel, writes into a cache that has room even if that was read before, and doubles a full one", async () => {
    await onWebgpu(async () => {
      const weights = makeWeights(example);
      const cache: GrowingCache = { k: four([7, 2, 18, 12], 10), v: four([7, 2, 18, 12], 11) };
      const position = {
        pads: new Int32Array(7),
        cos: tf.ones([7, 1, 1, 12]) as tf.Tensor4D,
        sin: tf.zeros([7, 1, 1, 12]) as tf.Tensor4D,
        heads: 4,
        epsilon: 1e-3,
      };
      const x = tensor([7, 24], 3) as tf.Tensor2D;
      const uploaded = tf.tidy(() => tf.neg(cache.v)) as tf.Tensor4D;
      const before = await uploaded.data();
      tf.env().set("CHECK_COMPUTATION_FOR_ERRORS", false);
      let roomy = decodeLayer(x, weights, { k: cache.k, v: uploaded }, { ...position, length: 17 });
      expect(roomy.cache.k.shape).toEqual([7, 2, 18, 12]);
      expect(roomy.cache.k.dataId).toBe(cache.k.dataId);
      const after = (await roomy.cache.v.data()) as Float32Array;
      const changed = Array.from(after.keys()).filter((i) => after[i] !== before[i]);
      expect(new Set(changed.map((i) => Math.floor(i / 12) % 18))).toEqual(new Set([17]));
      tf.dispose([roomy.x, uploaded]);

      const { kernels } = await tf.profile(() => {
        const { x: state, cache: grown } = decodeLayer(x, weights, roomy.cache, { ...position, length: 18 });
        tf.dispose([state, roomy.cache.k, roomy.cache.v]);
        roomy = { x: state, cache: grown };
        return state;
      });
      expect(kernels.map(({ name }) => name)).toEqual(["OpdDecodeLayer"]);
      expect(roomy.cache.k.shape).toEqual([7, 2, 36, 12]);
      const { cos, sin } = position;
      tf.dispose([cache.k, cache.v, roomy.cache.k, roomy.cache.v, x, cos, sin, ...Object.values(weights)]);
    });
  });

  it("refuses a cache or a weight that does not fit", () => {
    tf.tidy(() => {
      const weights = makeWeights(example);
      const cache = { k: tf.zeros([7, 2, 17, 12]), v: tf.zeros([7, 2, 17, 12]) } as GrowingCache;
      const angles = tf.ones([7, 1, 1, 12]) as tf.Tensor4D;
      const position = { length: 17, pads: new Int32Array(7), cos: angles, sin: angles, heads: 4, epsilon: 1e-3 };
      const x = tf.ones([7, 24]) as tf.Tensor2D;
      const wrong = { ...cache, v: tf.zeros([6, 2, 17, 12]) as tf.Tensor4D };
      expect(() => decodeLayer(x, weights, wrong, position)).toThrow(
        "the values must have shape [7,2,17,12], got [6,2",
      );
      expect(() => decodeLayer(x, { ...weights, o: tf.zeros([24, 47]) }, cache, position)).toThrow(
        "backend-webgpu.OpdDecodeLayer: the output weight must have shape [24,48], got [24,47].",
      );
      expect(() => decodeLayer(x, weights, cache, { ...position, length: 18 })).toThrow(
        "18 positions are said to be in use of a cache that holds 17",
      );
      expect(() => decodeLayer(x, weights, cache, { ...position, pads: Int32Array.of(0, 0, 0, 0, 0, 0, 18) })).toThrow(
        "7 rows need as many counts of pads, each from 0 to 17",
      );
    });
  });
});
