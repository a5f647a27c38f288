import "@tensorflow/tfjs-backend-cpu";
import { drawnTensor } from "@imagine-opd/test-kit";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-core/dist/register_all_gradients";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { closeWasmBackend, openWasmBackend } from "./index.ts";

type Values = Float32Array | Int32Array | Uint8Array;

/** Results of `run` on a backend, as arrays; what it makes is disposed. */
async function on(backend: "cpu" | "wasm", run: () => tf.Tensor[]): Promise<Values[]> {
  await tf.setBackend(backend);
  const tensors = tf.tidy(run);
  const values = tensors.map((tensor) => tensor.dataSync());
  tf.dispose(tensors);
  await tf.setBackend("wasm");
  return values;
}

/** Largest |x − y|. */
function distance(x: Values, y: Values): number {
  let largest = x.length === y.length ? 0 : Infinity;
  for (let i = 0; i < x.length; i++) largest = Math.max(largest, Math.abs(x[i]! - y[i]!));
  return largest;
}

interface ProductCase {
  readonly batch: "both" | "only a" | "only b" | "none";
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly seed: number;
}

const product: fc.Arbitrary<ProductCase> = fc.record({
  batch: fc.constantFrom("both" as const, "only a" as const, "only b" as const, "none" as const),
  m: fc.integer({ min: 1, max: 19 }),
  n: fc.integer({ min: 1, max: 41 }),
  k: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 250, max: 530 })),
  transposeA: fc.boolean(),
  transposeB: fc.boolean(),
  seed: fc.integer({ min: 1, max: 1000 }),
});

describe.each(["javascript", "fast"] as const)("kernels: %s", (kernels) => {
  beforeAll(async () => {
    await openWasmBackend({ kernels });
  });
  afterAll(() => closeWasmBackend());

  it("multiply as the cpu backend does, in every transposition and batched", async () => {
    const check = async ({ batch, m, n, k, transposeA, transposeB, seed }: ProductCase) => {
      const shapeA = [...(batch === "both" || batch === "only a" ? [3] : []), ...(transposeA ? [k, m] : [m, k])];
      const shapeB = [...(batch === "both" || batch === "only b" ? [3] : []), ...(transposeB ? [n, k] : [k, n])];
      const multiply = () => {
        const [a, b] = [drawnTensor(shapeA, seed), drawnTensor(shapeB, seed + 1)];
        const bound = tf.matMul(tf.abs(a), tf.abs(b), transposeA, transposeB);
        return [tf.matMul(a, b, transposeA, transposeB), bound];
      };
      const [[expected, bound], [got]] = [await on("cpu", multiply), await on("wasm", multiply)];
      // Higham's bound for a float32 sum of k products, and one more rounding for the cpu's own result.
      const outside = got!.findIndex((x, i) => Math.abs(x - expected![i]!) > (k + 1) * 2 ** -24 * bound![i]!);
      expect([got!.length, outside]).toEqual([expected!.length, -1]);
    };
    await fc.assert(fc.asyncProperty(product, check), { numRuns: 150, seed: 7 });
  });

  it("multiply wide and deep matrices, past every block", async () => {
    const multiply = () => [tf.matMul(drawnTensor([70, 600], 1), drawnTensor([550, 600], 2), false, true)];
    const [[expected], [got]] = [await on("cpu", multiply), await on("wasm", multiply)];
    expect(distance(got!, expected!)).toBeLessThan(1e-4);
  });

  it("multiply with leading axes", async () => {
    const multiply = () => [tf.matMul(drawnTensor([2, 3, 4, 5], 1), drawnTensor([3, 5, 6], 2))];
    const [[expected], [got]] = [await on("cpu", multiply), await on("wasm", multiply)];
    expect(got!.length).toBe(2 * 3 * 4 * 6);
    expect(distance(got!, expected!)).toBeLessThan(1e-6);
  });

  it("refuse products that they do not compute", () => {
    const refuse = (a: tf.Tensor, b: tf.Tensor, message: string) => expect(() => tf.matMul(a, b)).toThrow(message);
    tf.tidy(() => {
      refuse(
        tf.ones([2, 1, 2, 2]),
        tf.ones([1, 3, 2, 2]),
        "the batch axes do not repeat into each other, for [2,1,2,2]",
      );
      refuse(tf.ones([3, 2]), tf.ones([3, 2]), "the inner sizes 2 and 3 differ, for [3,2] and [3,2]");
      refuse(tf.ones([2, 2], "int32"), tf.ones([2, 2], "int32"), "only float32 is supported, got int32 and int32.");
    });
  });

  it("give 0 for a sum over nothing", () => {
    const out = tf.tidy(() => tf.matMul(tf.zeros([2, 0]), tf.zeros([0, 3])).dataSync());
    expect(Array.from(out)).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it("softmax as float64 does", async () => {
    const row = fc.array(fc.float({ min: -30, max: 30, noNaN: true }), { minLength: 1, maxLength: 70 });
    const check = (logits: number[], rows: number) => {
      const got = tf.tidy(() =>
        tf.softmax(tf.tensor2d(Array(rows).fill(logits).flat(), [rows, logits.length])).dataSync(),
      );
      const exact = logits.map((x) => Math.exp(x - Math.max(...logits)));
      const sum = exact.reduce((a, b) => a + b);
      for (let i = 0; i < rows; i++) {
        const difference = distance(
          got.slice(i * logits.length, (i + 1) * logits.length),
          Float32Array.from(exact, (x) => x / sum),
        );
        expect(difference).toBeLessThan(2.5e-7);
      }
    };
    fc.assert(fc.property(row, fc.integer({ min: 1, max: 3 }), check), { numRuns: 200, seed: 7 });
  });

  it("softmax small probabilities to the last bits", () => {
    for (let x = -80; x < 0; x += 0.5) {
      const [one, small] = tf.tidy(() => tf.softmax(tf.tensor1d([0, x])).dataSync());
      expect(Math.abs(small! / one! / Math.exp(x) - 1)).toBeLessThan(3e-7);
    }
  });

  it("softmax masked and vanishing entries to exactly 0", () => {
    const out = tf.tidy(() => tf.softmax(tf.tensor1d([0, -1e9, -100, 0, -Infinity])).dataSync());
    expect(Array.from(out)).toEqual([0.5, 0, 0, 0.5, 0]);
    const masked = tf.tidy(() => tf.softmax(tf.fill([5], -1e9)).dataSync());
    expect(Array.from(masked)).toEqual(Array(5).fill(Math.fround(0.2)));
  });

  it("softmax NaN for a row with NaN, and only there", () => {
    const out = tf.tidy(() => tf.softmax(tf.tensor2d([0, NaN, 1, 0, 0, -1e9], [2, 3])).dataSync());
    expect(Array.from(out)).toEqual([NaN, NaN, NaN, 0.5, 0.5, 0]);
  });

  it("gather as the cpu backend does, along every axis and for every type", async () => {
    const check = async (axis: number, indices: number[], dtype: "float32" | "int32" | "bool", rank2: boolean) => {
      const gather = () => {
        const values = Array.from({ length: 120 }, (_, i) => (dtype === "bool" ? i % 2 : (i * 37) % 101));
        const x = tf.tensor(values, [4, 5, 6], dtype);
        const flat = tf.tensor1d(indices, "int32");
        const taken = tf.gather(x, rank2 ? tf.expandDims(flat, 1) : flat, axis);
        expect(taken.shape).toEqual([
          ...x.shape.slice(0, axis),
          ...(rank2 ? [indices.length, 1] : [indices.length]),
          ...x.shape.slice(axis + 1),
        ]);
        return [taken];
      };
      const [[expected], [got]] = [await on("cpu", gather), await on("wasm", gather)];
      expect(got).toEqual(expected);
    };
    const indices = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 9 });
    const dtype = fc.constantFrom("float32" as const, "int32" as const, "bool" as const);
    const property = fc.asyncProperty(fc.integer({ min: 0, max: 2 }), indices, dtype, fc.boolean(), check);
    await fc.assert(property, { numRuns: 60, seed: 7 });
  });

  it("gather with batch axes", async () => {
    const gather = () => [tf.gather(drawnTensor([2, 3, 4], 1), tf.tensor2d([2, 0, 1, 1], [2, 2], "int32"), 1, 1)];
    const [[expected], [got]] = [await on("cpu", gather), await on("wasm", gather)];
    expect(got).toEqual(expected);
  });

  it("refuse to gather outside the axis, and keep nothing", () => {
    const [x, low, high] = [tf.ones([3, 2]), tf.tensor1d([0, -1], "int32"), tf.tensor1d([3], "int32")];
    const before = tf.engine().backend.numDataIds();
    expect(() => tf.gather(x, low)).toThrow("backend-wasm.GatherV2: index -1 (at 1) is outside the axis of length 3.");
    expect(() => tf.gather(x, high)).toThrow("index 3 (at 0) is outside");
    expect(tf.engine().backend.numDataIds()).toBe(before);
    tf.dispose([x, low, high]);
  });

  it("sum segments as the cpu backend does", async () => {
    const check = async (ids: number[], width: number, count: number) => {
      const sum = () => [
        tf.unsortedSegmentSum(drawnTensor([ids.length, width, 2], 3), tf.tensor1d(ids, "int32"), count),
      ];
      const [[expected], [got]] = [await on("cpu", sum), await on("wasm", sum)];
      expect(distance(got!, expected!)).toBeLessThan(1e-6);
    };
    const ids = fc.array(fc.integer({ min: -1, max: 6 }), { minLength: 1, maxLength: 12 });
    const sizes = fc.integer({ min: 1, max: 5 });
    await fc.assert(fc.asyncProperty(ids, sizes, sizes, check), { numRuns: 60, seed: 7 });
  });

  it("refuse segment ids of another rank", () => {
    const [x, ids] = [tf.ones([2, 3]), tf.zeros<tf.Rank.R2>([2, 3], "int32")];
    expect(() => tf.unsortedSegmentSum(x, ids as unknown as tf.Tensor1D, 2)).toThrow(
      "one segment id for each row of x",
    );
    tf.dispose([x, ids]);
  });

  it("have the gradients of the cpu backend", async () => {
    const differentiate = () => {
      const ids = tf.tensor1d([2, 0, 2, 1], "int32");
      const loss = (table: tf.Tensor, weight: tf.Tensor) => {
        const states = tf.reshape(tf.gather(table, ids), [2, 2, 6]);
        const queries = tf.reshape(
          tf.matMul(tf.reshape(states, [4, 6]), weight as tf.Tensor2D, false, true),
          [2, 2, 6],
        );
        const scores = tf.softmax(
          tf.add(tf.matMul(queries, states, false, true), tf.tensor2d([0, -1e9, 0, 0], [2, 2])),
        );
        return tf.sum(tf.square(tf.matMul(scores, states))) as tf.Scalar;
      };
      return tf.grads(loss)([drawnTensor([3, 6], 1), drawnTensor([6, 6], 2)]);
    };
    const [expected, got] = [await on("cpu", differentiate), await on("wasm", differentiate)];
    got.forEach((gradient, i) => {
      expect(distance(gradient, expected[i]!)).toBeLessThan(2e-6);
    });
    expect(got[0]!.some((x) => x !== 0)).toBe(true);
  });

  it("leave no tensor and no data behind", () => {
    const before = tf.memory();
    for (let i = 0; i < 3; i++) {
      tf.tidy(() => {
        for (const transposeA of [false, true])
          for (const transposeB of [false, true])
            tf.matMul(tf.ones([2, 3, 3]), tf.ones([2, 3, 3]), transposeA, transposeB);
        tf.softmax(tf.ones([2, 3]));
        tf.gather(tf.ones([2, 3]), tf.tensor1d([1], "int32"));
        tf.unsortedSegmentSum(tf.ones([2, 3]), tf.tensor1d([0, 1], "int32"), 2);
      });
    }
    expect(tf.memory().numTensors).toBe(before.numTensors);
    expect(tf.engine().backend.numDataIds()).toBe(before.numDataBuffers);
  });
});
