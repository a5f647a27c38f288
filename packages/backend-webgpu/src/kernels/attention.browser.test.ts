import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-webgpu";
import { attention } from "@imagine-opd/tensor-ops";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { expectParity, onWebgpu, type ParityCase, startWebgpu, take, tensor } from "../../test/parity.ts";

interface Sizes {
  readonly batch?: number;
  readonly heads?: number;
  readonly kvHeads?: number;
  readonly queries: number;
  readonly keys: number;
  readonly size: number;
}

const four = (x: tf.Tensor | undefined) => x as tf.Tensor4D;

function attentionCase(
  what: string,
  { batch = 1, heads = 1, kvHeads = 1, queries, keys, size }: Sizes,
  { bias, spread }: { bias?: () => tf.Tensor; spread?: number } = {},
): ParityCase {
  return {
    name: `${what}: ${heads}/${kvHeads} heads of ${size}, ${queries} queries, ${keys} keys`,
    shapes: [
      [batch, heads, queries, size],
      [batch, kvHeads, keys, size],
      [batch, kvHeads, keys, size],
    ],
    ...(spread !== undefined && { spread }),
    op: (q, k, v) => attention(four(q), four(k), four(v), bias === undefined ? {} : { bias: bias() }),
  };
}

const masked = (shape: readonly [number, number, number, number], hides: (...at: number[]) => boolean) => () =>
  tf.tensor4d(
    Float32Array.from({ length: tf.util.sizeFromShape([...shape]) }, (_, i) => {
      const [, heads, queries, keys] = shape;
      const at = [i / (heads * queries * keys), (i / (queries * keys)) % heads, (i / keys) % queries, i % keys];
      return hides(...at.map(Math.floor)) ? -1e9 : 0;
    }),
    [...shape],
  );

const causalWithPads = masked([3, 1, 65, 65], (b, _, query, key) => key > query || key < 9 * b!);
const someSeeNothing = masked([2, 1, 17, 65], (b, _, query, key) => key > 60 || (b === 1 && query! % 5 === 2));
const cases = [
  attentionCase("no bias", { queries: 17, keys: 65, size: 24 }),
  attentionCase("one query", { batch: 2, heads: 4, kvHeads: 2, queries: 1, keys: 65, size: 24 }),
  attentionCase("one key", { batch: 2, heads: 4, kvHeads: 2, queries: 65, keys: 1, size: 24 }),
  attentionCase("grouped heads", { batch: 2, heads: 6, kvHeads: 2, queries: 17, keys: 17, size: 24 }),
  attentionCase("more than one lane a row", { heads: 2, queries: 5, keys: 9, size: 37 }),
  attentionCase(
    "causal with pads",
    { batch: 3, heads: 2, kvHeads: 1, queries: 65, keys: 65, size: 24 },
    { bias: causalWithPads },
  ),
  attentionCase(
    "queries that see nothing",
    { batch: 2, heads: 2, kvHeads: 2, queries: 17, keys: 65, size: 24 },
    { bias: someSeeNothing },
  ),
  ...[
    [1, 1, 5, 9],
    [2, 1, 1, 9],
    [2, 4, 5, 9],
    [5, 9],
  ].map((shape) =>
    attentionCase(
      `bias [${shape}]`,
      { batch: 2, heads: 4, kvHeads: 2, queries: 5, keys: 9, size: 24 },
      { bias: () => tensor(shape, 40) },
    ),
  ),
];

describe("attention: value and gradients as composed on cpu, the same bits twice, nothing left", () => {
  beforeAll(async () => {
    await startWebgpu();
  });

  it.each(cases)("$name", expectParity);

  it("large logits leave one key", async () => {
    const one = { queries: 17, keys: 33, size: 24 };
    const output = await onWebgpu(() =>
      take(
        tf.tidy(() => {
          const at = (rows: number, seed: number) => four(tensor([1, 1, rows, one.size], seed, 300));
          const [q, k, v] = [at(one.queries, 1), at(one.keys, 2), at(one.keys, 3)];
          const best = tf.argMax(tf.matMul(q, k, false, true), 3);
          return [attention(q, k, v), tf.gather(v, tf.reshape(best, [-1]), 2)];
        }),
      ),
    );
    expect(output[0]).toEqual(output[1]);
  });

  it("keeps no matrix of scores, and is one kernel each way", async () => {
    await onWebgpu(async () => {
      const length = 384;
      const inputs = [1, 2, 3].map((seed) => tensor([1, 1, length, 24], seed));
      tf.env().set("CHECK_COMPUTATION_FOR_ERRORS", false);
      const { kernels, peakBytes } = await tf.profile(() =>
        tf.tidy(() => {
          tf.grads((q, k, v) => attention(four(q), four(k), four(v)))(inputs, inputs[0]);
        }),
      );
      const names = kernels.map(({ name }) => name).filter((name) => name !== "Identity");
      expect(names).toEqual(["OpdAttention", "OpdAttentionGradient"]);
      expect(peakBytes).toBeLessThan(4 * length ** 2);
      tf.dispose(inputs);
    });
  });

  it("gives a row the same bits whatever pads stand before it", async () => {
    const [length, size] = [21, 24];
    const run = (pads: number) =>
      onWebgpu(() =>
        take(
          tf.tidy(() => {
            const state = (seed: number) =>
              four(
                tf.pad(tensor([1, 2, length, size], seed), [
                  [0, 0],
                  [0, 0],
                  [pads, 0],
                  [0, 0],
                ]),
              );
            const padded = length + pads;
            const bias = masked([1, 1, padded, padded], (_b, _h, query, key) => key! > query! || key! < pads)();
            const out = attention(state(1), state(2), state(3), { bias });
            return [tf.slice(out, [0, 0, pads, 0], [1, 2, length, size])];
          }),
        ),
      );
    const alone = await run(0);
    for (const pads of [1, 8, 30]) expect(await run(pads)).toEqual(alone);
  });

  it("refuses shapes that do not fit, before a shader reads past an end", () => {
    tf.tidy(() => {
      const q = tf.ones([1, 2, 3, 4]) as tf.Tensor4D;
      const three = tf.ones([1, 3, 3, 4]) as tf.Tensor4D;
      expect(() => attention(q, q, q, { bias: tf.ones([1, 1, 3, 2]) })).toThrow(
        "backend-webgpu.OpdAttention: a bias of shape [1,1,3,2] does not repeat into [1,2,3,3]",
      );
      expect(() => attention(q, three, three)).toThrow("2 query heads do not share 3 key heads");
      expect(() => attention(q, q, three)).toThrow("v must have shape [1,2,3,4], got [1,3,3,4]");
    });
  });
});
