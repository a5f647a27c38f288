import "@tensorflow/tfjs-backend-cpu";
import { attention, geluTanh, layerNorm, linear, rmsNorm, rotary, swiGlu } from "@imagine-opd/tensor-ops";
import { drawnTensor } from "@imagine-opd/test-kit";
import * as tf from "@tensorflow/tfjs-core";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { closeWasmBackend, openWasmBackend } from "./index.ts";

type Op = (...inputs: tf.Tensor[]) => tf.Tensor;

/** An op, the shapes of its differentiable inputs and of its constants, all from the same drawn sizes. */
interface Case {
  readonly name: string;
  readonly shapes: (sizes: Sizes) => readonly (readonly number[])[];
  readonly constants?: (sizes: Sizes) => readonly (readonly number[])[];
  readonly op: Op;
}

interface Sizes {
  readonly rows: number;
  readonly columns: number;
  readonly other: number;
  readonly kvHeads: number;
  readonly group: number;
  readonly keys: number;
}

const upTo = (max: number) => fc.integer({ min: 1, max });
const sizes: fc.Arbitrary<Sizes> = fc.record({
  rows: upTo(9),
  columns: upTo(37),
  other: upTo(21),
  kvHeads: upTo(3),
  group: upTo(3),
  keys: upTo(19),
});

const four = (x: tf.Tensor | undefined) => x as tf.Tensor4D;
const even = (columns: number): number => columns + (columns % 2);

const cases: readonly Case[] = [
  { name: "rmsNorm", shapes: (s) => [[2, s.rows, s.columns], [s.columns]], op: (x, w) => rmsNorm(x!, w!, 1e-3) },
  {
    name: "layerNorm",
    shapes: (s) => [[s.rows, s.columns], [s.columns], [s.columns]],
    op: (x, w, b) => layerNorm(x!, w!, b!, 1e-3),
  },
  { name: "geluTanh", shapes: (s) => [[s.rows, s.columns]], op: (x) => geluTanh(tf.mul(x!, 6)) },
  {
    name: "swiGlu",
    shapes: (s) => [
      [s.rows, s.columns],
      [s.rows, s.columns],
    ],
    op: (gate, up) => swiGlu(tf.mul(gate!, 9), up!),
  },
  {
    name: "linear",
    shapes: (s) => [
      [2, s.rows, s.columns],
      [s.other, s.columns],
    ],
    op: (x, w) => linear(x!, w!),
  },
  {
    name: "linear with bias",
    shapes: (s) => [[s.rows, s.columns], [s.other, s.columns], [s.other]],
    op: (x, w, b) => linear(x!, w!, b),
  },
  {
    name: "rotary, angles of each row",
    shapes: (s) => [[s.rows, s.kvHeads, s.keys, even(s.columns)]],
    constants: (s) => [
      [s.rows, 1, s.keys, even(s.columns)],
      [s.rows, 1, s.keys, even(s.columns)],
    ],
    op: (x, cos, sin) => rotary(four(x), cos!, sin!),
  },
  {
    name: "rotary, shared angles",
    shapes: (s) => [[s.rows, s.kvHeads, s.keys, even(s.columns)]],
    constants: (s) => [
      [1, 1, s.keys, even(s.columns)],
      [1, 1, s.keys, even(s.columns)],
    ],
    op: (x, cos, sin) => rotary(four(x), cos!, sin!),
  },
  ...[
    [0, 2, 1, 3],
    [0, 1, 3, 2],
    [3, 0, 2, 1],
  ].map((perm) => ({
    name: `transpose ${perm}`,
    shapes: (s: Sizes) => [[s.rows, s.keys, s.kvHeads, s.columns + (4 - (s.columns % 4)) * (s.rows % 2)]],
    op: ((x) => tf.transpose(x!, perm)) as Op,
  })),
  ...(["none", "[B,1,n,m]", "[1,1,n,m]", "[B,1,1,m]", "[B,H,n,m]"] as const).map((bias) => ({
    name: `attention, bias ${bias}`,
    shapes: (s: Sizes) => [
      [s.rows, s.kvHeads * s.group, s.other, s.columns],
      [s.rows, s.kvHeads, s.keys, s.columns],
      [s.rows, s.kvHeads, s.keys, s.columns],
    ],
    constants: (s: Sizes) => {
      const axes: Record<string, number> = { B: s.rows, H: s.kvHeads * s.group, n: s.other, m: s.keys, 1: 1 };
      return bias === "none"
        ? []
        : [
            bias
              .slice(1, -1)
              .split(",")
              .map((axis) => axes[axis]!),
          ];
    },
    op: ((q, k, v, mask) => attention(four(q), four(k), four(v), mask === undefined ? {} : { bias: mask })) as Op,
  })),
];

/** The value, and the gradients of a weighted sum of it, on the backend that is set. */
function evaluate({ shapes, constants, op }: Case, drawn: Sizes): Float32Array[] {
  return tf.tidy(() => {
    const inputs = shapes(drawn).map((shape, i) => drawnTensor(shape, i + 1));
    const fixed = (constants?.(drawn) ?? []).map((shape, i) => drawnTensor(shape, i + 10));
    const value = op(...inputs, ...fixed);
    const weights = drawnTensor(value.shape, 20);
    const gradients = tf.grads((...x) => tf.sum(tf.mul(op(...x, ...fixed), weights)))(inputs);
    return [value, ...gradients].map((result) => result.dataSync() as Float32Array);
  });
}

describe("the fused kernels", () => {
  beforeAll(async () => {
    await openWasmBackend();
  });
  afterAll(() => closeWasmBackend());

  it.each(cases)("$name: value and gradients as composed on cpu, nothing left behind", async (one) => {
    await fc.assert(
      fc.asyncProperty(sizes, async (drawn) => {
        await tf.setBackend("wasm");
        const before = tf.memory().numTensors;
        const fast = evaluate(one, drawn);
        expect(tf.memory().numTensors).toBe(before);
        await tf.setBackend("cpu");
        const composed = evaluate(one, drawn);
        fast.forEach((values, which) => {
          const expected = composed[which]!;
          const scale = Math.max(1, ...expected.map(Math.abs));
          const largest = values.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0);
          expect(largest / scale, `result ${which}`).toBeLessThan(2e-5);
        });
      }),
      { numRuns: 25, seed: 11 },
    );
    await tf.setBackend("wasm");
  });

  it.each(cases.slice(0, 2))("$name: a row has the same bits alone and among others", async ({ op, shapes }) => {
    await tf.setBackend("wasm");
    const drawn = { rows: 7, columns: 29, other: 1, kvHeads: 1, group: 1, keys: 1 };
    tf.tidy(() => {
      const [x, ...weights] = shapes(drawn).map((shape, i) => drawnTensor(shape, i + 1));
      const rows = tf.reshape(x!, [-1, 29]);
      const all = op(rows, ...weights).dataSync();
      for (let row = 0; row < 7; row++) {
        const alone = op(tf.slice(rows, [row, 0], [1, 29]), ...weights).dataSync();
        expect(alone).toEqual(all.slice(row * 29, (row + 1) * 29));
      }
    });
  });

  it("attention leaves hidden keys out: causal, with pads before and behind, and with rows that see nothing", async () => {
    const [batch, length, size] = [3, 75, 8];
    const hides = (b: number, query: number, key: number) =>
      key > query || key < 7 * b || (b === 2 && key > 60) || (b === 1 && query % 40 === 3);
    const causal = Float32Array.from({ length: batch * length ** 2 }, (_, i) =>
      hides(Math.floor(i / length ** 2), Math.floor(i / length) % length, i % length) ? -1e9 : 0,
    );
    const one: Case = {
      name: "hidden keys",
      shapes: () => [
        [batch, 4, length, size],
        [batch, 2, length, size],
        [batch, 2, length, size],
      ],
      op: (q, k, v) => attention(four(q), four(k), four(v), { bias: tf.tensor4d(causal, [batch, 1, length, length]) }),
    };
    const drawn: Sizes = { rows: 1, columns: 1, other: 1, kvHeads: 1, group: 1, keys: 1 };
    await tf.setBackend("cpu");
    const composed = evaluate(one, drawn);
    await tf.setBackend("wasm");
    evaluate(one, drawn).forEach((values, which) => {
      const largest = values.reduce((most, value, i) => Math.max(most, Math.abs(value - composed[which]![i]!)), 0);
      expect(largest, `result ${which}`).toBeLessThan(2e-5);
    });
  });

  it("attention gives a row the same bits whatever pads stand before it", () => {
    const [length, size] = [37, 12];
    const run = (pads: number) =>
      tf.tidy(() => {
        const state = (seed: number) =>
          tf.pad(drawnTensor([1, 2, length, size], seed), [
            [0, 0],
            [0, 0],
            [pads, 0],
            [0, 0],
          ]) as tf.Tensor4D;
        const padded = length + pads;
        const hides = (query: number, key: number) => key > query || key < pads;
        const bias = Float32Array.from({ length: padded ** 2 }, (_, i) =>
          hides(Math.floor(i / padded), i % padded) ? -1e9 : 0,
        );
        const out = attention(state(1), state(2), state(3), { bias: tf.tensor4d(bias, [1, 1, padded, padded]) });
        // The last query's block holds no query before the first token.
        return tf.slice(out, [0, 0, padded - 1, 0], [1, 2, 1, size]).dataSync();
      });
    const alone = run(0);
    for (const pads of [1, 2, 3, 30]) expect(run(pads)).toEqual(alone);
  });

  it("one-hot rows hold ones, not the bits of an integer", () => {
    for (const dtype of ["float32", "int32"] as const) {
      const rows = tf.oneHot(tf.tensor1d([1, -1, 3], "int32"), 3, 1, 0, dtype);
      expect(Array.from(rows.dataSync())).toEqual([0, 1, 0, 0, 0, 0, 0, 0, 0]);
      rows.dispose();
    }
  });

  it("activations keep NaN and have their limits", async () => {
    await tf.setBackend("wasm");
    const at = (f: (x: tf.Tensor) => tf.Tensor) =>
      tf.tidy(() => Array.from(f(tf.tensor1d([Number.NaN, 200, -200, 0, 1e-20])).dataSync()));
    expect(at(geluTanh)).toEqual([Number.NaN, 200, -0, 0, Math.fround(Math.fround(1e-20) / 2)]);
    expect(at((x) => swiGlu(x, tf.onesLike(x)))).toEqual([Number.NaN, 200, -0, 0, Math.fround(Math.fround(1e-20) / 2)]);
  });

  it("refuse what does not fit, before compiled code reads past an end", async () => {
    await tf.setBackend("wasm");
    tf.tidy(() => {
      const x = tf.ones([2, 4]);
      expect(() => rmsNorm(x, tf.ones([3]), 1e-5)).toThrow("input 1 must have shape [4], got [3]");
      expect(() => linear(x, tf.ones([3, 5]))).toThrow("the weight must have shape [3,4], got [3,5]");
      expect(() => swiGlu(x, tf.ones([4, 2]))).toThrow("input 1 must have shape [2,4], got [4,2]");
      expect(() => geluTanh(tf.ones([2], "int32"))).toThrow("only float32 is supported, got int32");
      const q = tf.ones([1, 2, 3, 4]) as tf.Tensor4D;
      expect(() => attention(q, q, q, { bias: tf.ones([1, 1, 3, 2]) })).toThrow(
        "a bias of shape [1,1,3,2] does not repeat into [1,2,3,3]",
      );
      expect(() => rotary(q, tf.ones([1, 1, 3, 2]), tf.ones([1, 1, 3, 2]))).toThrow("cos must have shape [1,1,3,4]");
    });
  });
});
