import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-webgpu";
import { decodeLayer } from "@imagine-opd/tensor-ops";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
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
} from "../../../../test-kit/src/decode-layer.ts";
import { expectClose, onWebgpu, startWebgpu, take, tensor } from "../../test/parity.ts";

const decode = (sizes: DecodeSizes) => take(decodeThreeSteps(sizes, decodePads(sizes)));

describe("the fused decode layer", () => {
  beforeAll(async () => {
    await startWebgpu();
  });

  it.each<[string, DecodeSizes]>([
    ["a full cache, grouped heads, pads", decodeExample],
    ["a cache with room", { ...decodeExample, room: 3 }],
    ["one row, long past", { ...decodeExample, rows: 1, length: 200 }],
    [
      "a head for each key head, heads wider than a workgroup",
      { ...decodeExample, rows: 2, group: 1, headSize: 70, inner: 65 },
    ],
    ["an empty past but for one position", { ...decodeExample, length: 1, rows: 5 }],
  ])("computes what the composed form computes on cpu: %s", async (_what, sizes) => {
    const fused = await onWebgpu(() => decode(sizes));
    expect(await onWebgpu(() => decode(sizes))).toEqual(fused);
    await tf.setBackend("cpu");
    expectClose(fused, await decode(sizes));
  });

  it("gives a row the same bits alone and in any batch, with any pads", async () => {
    const run = (rows: readonly number[], skipped: number) => onWebgpu(() => take([decodeRows(rows, skipped)]));
    const { width } = decodeExample;
    const [all] = await run([0, 1, 2, 3, 4, 5, 6], 0);
    for (let row = 0; row < 7; row++) {
      expect(await run([row], unevenPads[row]!)).toEqual([all!.slice(row * width, (row + 1) * width)]);
    }
  });

  it("is one kernel, writes into a cache that has room even if that was read before, and doubles a full one", async () => {
    await onWebgpu(async () => {
      const weights = decodeWeights(decodeExample);
      const cache = filledCache(18);
      const position = plainPosition();
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

  it("refuses a cache or a weight that does not fit", () => expectMisfitsRefused("backend-webgpu.OpdDecodeLayer"));
});
