import { createAdamW, globalNorm } from "@imagine-opd/optim";
import { linear, takeRows } from "@imagine-opd/tensor-ops";
import "@tensorflow/tfjs-backend-cpu";
import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { expectClose, onWebgpu, take, tensor } from "../../test/parity.ts";
import { closeWebgpuBackend, openWebgpuBackend } from "../index.ts";
import { limitsOf, setLimits, type TensorLimits } from "./row-windows.ts";

beforeAll(async () => {
  await openWebgpuBackend();
});
afterAll(() => closeWebgpuBackend());

/** What a shader may see here: 16384 numbers, and 8 times as many in a buffer. */
const small: TensorLimits = { binding: 2 ** 16, buffer: 2 ** 19 };
let limits: TensorLimits;
beforeEach(() => {
  limits = limitsOf(tf.backend() as WebGPUBackend);
  setLimits(tf.backend() as WebGPUBackend, small);
});
afterEach(async () => {
  await tf.setBackend("webgpu");
  setLimits(tf.backend() as WebGPUBackend, limits);
});

const two = (shape: [number, number], seed = 1) => tensor(shape, seed) as tf.Tensor2D;

const rows = 900;
const width = 37;
const x = () => two([rows, width]);

const cases: Readonly<Record<string, () => tf.Tensor>> = {
  "exp, element by element": () => tf.exp(x()),
  "a sum of two, and with one number": () => tf.add(tf.sub(x(), two([rows, width], 2)), 3),
  "a product with one number a row": () => tf.mul(x(), two([rows, 1], 2)),
  "a product with one number a column": () => tf.mul(x(), tensor([width], 2)),
  "a product of a column and a row": () => tf.mul(two([rows, 1]), two([1, width], 2)),
  "a comparison and a choice": () => tf.where(tf.greater(x(), 0.1), x(), two([rows, width], 2)),
  "casts there and back": () => tf.cast(tf.cast(tf.mul(x(), 9), "int32"), "float32"),
  "addN of three": () => tf.addN([1, 2, 3].map((seed) => two([rows, width], seed))),
  "zeros like it": () => tf.add(tf.zerosLike(x()), 1),
  fill: () => tf.fill([rows, width], 7),
  "sum of all": () => tf.sum(x()),
  "sums of rows": () => tf.sum(x(), 1),
  "sums of columns, kept": () => tf.sum(x(), 0, true),
  "largest of rows, and of all": () => tf.add(tf.max(x(), 1), tf.max(x())),
  "smallest of columns": () => tf.min(x(), 0),
  softmax: () => tf.softmax(x()),
  "place of the largest": () => tf.cast(tf.argMax(x(), 1), "float32"),
  "a slice of rows": () => tf.slice(x(), [101, 0], [600, width]),
  "a slice of columns": () => tf.slice(x(), [0, 5], [rows, 9]),
  "a slice of both, larger than a shader sees": () => tf.slice(x(), [11, 1], [870, 35]),
  "concat of rows": () => tf.concat([two([7, width]), x(), two([90, width], 2)], 0),
  "concat of columns": () => tf.concat([x(), two([rows, 2], 2)], 1),
  "rows of zeros around it": () =>
    tf.pad(x(), [
      [3, 430],
      [0, 0],
    ]),
  "rows of a table": () => takeRows(x(), Int32Array.of(899, 0, 1, 2, 530, 530)),
  "a vector's elements": () => tf.gather(tf.reshape(x(), [rows * width]), tf.tensor1d([33299, 4, 15000], "int32")),
};

/** The same on WebGPU in blocks, and on cpu. */
async function expectSame(run: () => tf.Tensor, tolerance = 1e-6): Promise<void> {
  const got = await onWebgpu(() => take([tf.tidy(run)]));
  await tf.setBackend("cpu");
  expectClose(got, await take([tf.tidy(run)]), tolerance);
}

describe("what no shader sees at once is computed block by block", () => {
  test.each(Object.entries(cases))("%s", (_, run) => expectSame(run));

  // Rows M, columns N, terms K; one after the other a factor, the result, or all are large.
  test.each([
    [600, 20, 30],
    [20, 600, 30],
    [30, 40, 600],
    [150, 150, 5],
    [200, 200, 200],
  ])("products of %i × %i over %i terms, in all four transpositions", async (m, n, k) => {
    for (const [transposeA, transposeB] of [
      [false, false],
      [false, true],
      [true, false],
      [true, true],
    ]) {
      const run = () =>
        tf.matMul(two(transposeA ? [k, m] : [m, k]), two(transposeB ? [n, k] : [k, n], 2), transposeA, transposeB);
      await expectSame(run, 1e-5);
    }
  });

  test("a tied embedding larger than a shader sees: lookup, head, gradients, norm and update", async () => {
    const learn = async () => {
      const table = tf.tidy(() => tf.variable(two([rows, width])));
      const optimizer = createAdamW({ table }, { learningRate: 0.01 });
      const results: number[] = [];
      for (let step = 0; step < 2; step++) {
        const { value, grads } = tf.variableGrads(() => {
          const states = takeRows(table, Int32Array.of(3, 899, 3, 64)) as tf.Tensor2D;
          return tf.sum(tf.square(tf.sub(linear(states, table), 0.5)));
        }, [table]);
        const gradients = { table: grads[table.name]! };
        results.push((await value.data())[0]!, await globalNorm(gradients));
        optimizer.step(gradients);
        tf.dispose([value, ...Object.values(grads)]);
      }
      const weights = (await table.data()) as Float32Array;
      optimizer.dispose();
      table.dispose();
      return [Float32Array.from(results), weights];
    };
    const got = await onWebgpu(learn);
    await tf.setBackend("cpu");
    expectClose(got, await learn(), 1e-5);
  });
});

describe("what is refused", () => {
  test("a kernel that has no such form, with both sizes", () => {
    const run = () => tf.tidy(() => tf.transpose(x()));
    expect(run).toThrow(
      /the result \[37,900\] .* needs 133200 bytes, and this device binds at most 65536 bytes at once/,
    );
  });

  test("a result beyond a buffer, before memory is asked for", () => {
    const run = () => tf.tidy(() => tf.matMul(two([600, 64]), two([64, 600], 2)));
    expect(run).toThrow(
      "a result of shape [600,600] needs 1440000 bytes, and a buffer of this device holds at most 524288.",
    );
  });

  test("row numbers that only the device knows, and rows that are not there", () => {
    const gather = (indices: () => tf.Tensor) => () => tf.tidy(() => tf.gather(x(), indices() as tf.Tensor1D));
    expect(gather(() => tf.argMax(two([4, 9]), 1))).toThrow("row numbers that the device computed cannot choose");
    expect(gather(() => tf.tensor1d([0, 900], "int32"))).toThrow("row 900 is outside the table of 900 rows.");
  });
});
