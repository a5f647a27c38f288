import { type DecodeLayerWeights, decodeLayer, linear, storeHalf, takeRows } from "@imagine-opd/tensor-ops";
import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { drawnNumbers } from "../../../../test-kit/src/drawn-tensor.ts";
import { expectClose, onWebgpu, take, tensor } from "../../test/parity.ts";
import { closeWebgpuBackend, openWebgpuBackend } from "../index.ts";
import { limitsOf, setLimits } from "../large-tensors/row-windows.ts";

beforeAll(async () => {
  await openWebgpuBackend();
});
afterAll(() => closeWebgpuBackend());

const backend = () => tf.backend() as WebGPUBackend;
const sizeOf = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

/** Rounded here by the browser, there by `storeHalf`. All are normal numbers of 16 bits, or zero. */
function bothKinds(values: Float32Array, shape: readonly number[]): { half: tf.Tensor; wide: tf.Tensor } {
  const { f16round } = Math as unknown as { f16round(value: number): number };
  const normal = values.map((value) => (Math.abs(value) < 2 ** -14 ? 0 : value));
  return { half: storeHalf(normal, shape, "w"), wide: tf.tensor(normal.map(f16round), [...shape]) };
}

/** The same with a weight in 16 bits, and with its numbers in 32. */
async function expectAlike(
  shape: readonly number[],
  run: (weight: tf.Tensor) => tf.Tensor | tf.Tensor[],
  tolerance = 1e-6,
): Promise<void> {
  const results = await onWebgpu(async () => {
    const { half, wide } = bothKinds(drawnNumbers(sizeOf(shape), 7), shape);
    const taken = [half, wide].map((weight) => take([tf.tidy(() => run(weight))].flat()));
    const read = await Promise.all(taken);
    tf.dispose([half, wide]);
    return read;
  });
  expectClose(results[0]!, results[1]!, tolerance);
}

describe("a tensor in 16 bits", () => {
  test("takes two bytes a number on the device, and gives them back", async () => {
    await onWebgpu(async () => {
      const before = backend().memory().numBytesInGPU;
      const bytes = () => backend().memory().numBytesInGPU - before;
      const half = storeHalf(drawnNumbers(64 * 96, 1), [64, 96], "w");
      expect(bytes()).toBe(2 * 64 * 96);
      const other = half.clone();
      half.dispose();
      expect(bytes()).toBe(2 * 64 * 96);
      other.dispose();
      expect(bytes()).toBe(0);
      // The same memory once more, which is uploaded to in another way.
      const again = storeHalf(drawnNumbers(64 * 96, 2), [64, 96], "w");
      expect(bytes()).toBe(2 * 64 * 96);
      again.dispose();
      const wide = tf.tidy(() => tf.add(tf.zeros([64, 96]), 1));
      await wide.data();
      expect(bytes()).toBe(4 * 64 * 96);
      wide.dispose();
    });
  });

  test("reads as the numbers written down here: exact ones, rounded ones, signs, an odd count", async () => {
    const values = [1, -2, 0.333251953125, 65504, -0, 2 ** -14, 0.1, -3.1409, 1.00048828125, 1.0014648437, 1e-9];
    const expected = [1, -2, 0.333251953125, 65504, 0, 2 ** -14, 0.0999755859375, -3.140625, 1, 1.001953125, 0];
    const half = storeHalf(Float32Array.from(values), [11], "w");
    expect(half.dtype).toBe("float32");
    expect(Array.from(await half.data(), (value) => value + 0)).toEqual(expected);
    expect(Array.from(await half.data(), (value) => value + 0)).toEqual(expected);
    const { tensorRef, buffer } = half.dataToGPU() as tf.GPUData;
    expect(buffer!.size).toBe(4 * 11);
    expect(Array.from(await tensorRef.data(), (value) => value + 0)).toEqual(expected);
    expect(() => half.dataSync()).toThrow("cannot wait for the GPU");
    tf.dispose([half, tensorRef]);
  });

  test("is refused, by name, with a number beyond 16 bits or a size that does not fit, and leaves nothing", async () => {
    await onWebgpu(async () => {
      expect(() => storeHalf(Float32Array.of(1, 70000), [2], "layers.0.mlp.up_proj.weight")).toThrow(
        "number 1 of layers.0.mlp.up_proj.weight is 70000, and 16 bits hold numbers from -65504 to 65504.",
      );
      expect(() => storeHalf(Float32Array.of(1, 2), [3], "up")).toThrow("up of shape [3] has 3 numbers, got 2.");
    });
  });

  test("is what unaware operations take for float32", async () => {
    await expectAlike([6, 7], (weight) => {
      const rows = takeRows(weight as tf.Tensor2D, Int32Array.of(5, 0));
      const reshaped = tf.reshape(weight, [3, 14]);
      const others = [tf.slice(weight, [1, 2], [3, 4]), tf.concat([weight, tf.ones([1, 7])], 0), tf.neg(reshaped)];
      const sums = [tf.add(weight, weight), tf.sum(weight, 0), tf.cast(tf.mul(weight, 9), "int32")];
      return [
        rows,
        ...others,
        ...sums,
        tf.add(weight, tensor([6, 7], 2)),
        tf.transpose(weight),
        tf.cast(weight, "int32"),
      ];
    });
  });

  test("by hand: twice the numbers, from an addition", async () => {
    const half = storeHalf(Float32Array.of(1.5, -2, 0.25), [3], "w");
    const sum = tf.add(half, half);
    expect(await sum.data()).toEqual(Float32Array.of(3, -4, 0.5));
    tf.dispose([half, sum]);
  });
});

describe("products with a weight in 16 bits are those with its numbers in 32", () => {
  // Rows, terms, columns: the two programs, part tiles, odd widths, many tiles.
  test.each([
    [1, 40, 70],
    [8, 33, 9],
    [9, 16, 32],
    [33, 17, 65],
    [100, 96, 130],
  ])("linear, %i × %i to %i, with and without bias, and its gradient", async (rows, depth, columns) => {
    await expectAlike([columns, depth], (weight) => {
      const x = tensor([rows, depth], 3);
      const bias = tensor([columns], 4);
      const dy = tensor([rows, columns], 5);
      const gradient = tf.grad((state) => linear(state, weight))(x, dy);
      return [linear(x, weight), linear(x, weight, bias), gradient];
    });
  });

  test("more axes, and a weight that is seen in another shape", async () => {
    await expectAlike([12, 2, 3, 4], (weight) =>
      linear(tensor([2, 5, 24], 3), tf.reshape(weight, [12, 24]), tensor([12], 4)),
    );
  });

  test("a head in parts: its rows stay in 16 bits", async () => {
    await expectAlike([50, 24], (table) => {
      const part = tf.slice(table as tf.Tensor2D, [7, 0], [20, 24]);
      return [part, linear(tensor([9, 24], 1), part), tf.matMul(tensor([9, 20], 2) as tf.Tensor2D, part)];
    });
    const half = storeHalf(drawnNumbers(50 * 24, 7), [50, 24], "w");
    const before = backend().memory().numBytesInGPU;
    const part = tf.slice(half as tf.Tensor2D, [7, 0], [20, 24]);
    expect(backend().memory().numBytesInGPU - before).toBe(2 * 20 * 24);
    tf.dispose([half, part]);
  });

  test("by hand: two rows, a bias, and the gradient", async () => {
    const weight = storeHalf(Float32Array.of(1, 0, -1, 2, 1, 0.5), [2, 3], "w");
    const [y, dx] = tf.tidy(() => {
      const x = tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]);
      const dy = tf.tensor2d([1, 0, 0, 2], [2, 2]);
      const apply = (state: tf.Tensor) => linear(state, weight, tf.tensor1d([10, 20]));
      return [apply(x), tf.grad(apply)(x, dy)];
    }) as [tf.Tensor, tf.Tensor];
    expect(await y.data()).toEqual(Float32Array.of(8, 25.5, 8, 36));
    expect(await dx.data()).toEqual(Float32Array.of(1, 0, -1, 4, 2, 1));
    tf.dispose([weight, y, dx]);
  });

  test("nothing is expanded on the way", async () => {
    await onWebgpu(async () => {
      const names: string[] = [];
      const run = backend().runWebGPUProgram;
      backend().runWebGPUProgram = function (...args) {
        names.push(args[0].shaderKey);
        return run.apply(this, args);
      };
      tf.tidy(() => {
        const weight = storeHalf(drawnNumbers(40 * 24, 7), [40, 24], "w");
        tf.grad((x) => linear(x, weight))(tensor([20, 24], 1), tensor([20, 40], 2));
        linear(tensor([2, 24], 1), weight);
      });
      backend().runWebGPUProgram = run;
      expect(names.filter((name) => /halfProduct|decodeProjection/.test(name))).toHaveLength(3);
      expect(names.filter((name) => name.includes("expandHalves"))).toEqual([]);
    });
  });

  test("rows and logits beyond what a shader sees are computed in parts; a weight beyond it is refused", async () => {
    const limits = limitsOf(backend());
    setLimits(backend(), { binding: 2 ** 14, buffer: 2 ** 20 });
    // In 32 bits, 6000 numbers would be too many as well.
    await expectAlike([60, 100], (weight) => linear(tensor([300, 100], 3), weight)).finally(() =>
      setLimits(backend(), limits),
    );
    setLimits(backend(), { binding: 2 ** 13, buffer: 2 ** 20 });
    const half = storeHalf(drawnNumbers(6000, 1), [60, 100], "w");
    const x = tensor([3, 100], 1);
    expect(() => linear(x, half)).toThrow("takes 12000 bytes, and this device binds at most 8192.");
    expect(() => tf.add(half, 1)).toThrow("stored in 16 bits cannot be taken block by block");
    expect(() => tf.transpose(half)).toThrow("needs 24000 bytes");
    setLimits(backend(), limits);
    tf.dispose([half, x]);
  });
});

describe("the fused decode layer", () => {
  const [rows, width, kvHeads, heads, size, inner, length] = [5, 24, 2, 4, 12, 20, 6];
  const shapes: Record<Exclude<keyof DecodeLayerWeights, "inputNorm" | "postNorm">, [number, number]> = {
    q: [heads * size, width],
    k: [kvHeads * size, width],
    v: [kvHeads * size, width],
    o: [width, heads * size],
    gate: [inner, width],
    up: [inner, width],
    down: [width, inner],
  };

  /** The layer's result and cache. @param inHalf which of its matrices are in 16 bits */
  async function decode(inHalf: (name: string) => boolean): Promise<Float32Array[]> {
    return onWebgpu(() =>
      take(
        tf.tidy(() => {
          const matrices = Object.entries(shapes).map(([name, shape], i) => {
            const { half, wide } = bothKinds(drawnNumbers(sizeOf(shape), 30 + i), shape);
            return [name, inHalf(name) ? half : wide];
          });
          const norms = { inputNorm: tensor([width], 1), postNorm: tensor([width], 2) };
          const four = (shape: number[], seed: number) => tensor(shape, seed) as tf.Tensor4D;
          const cached = [rows, kvHeads, length, size];
          const { x, cache } = decodeLayer(
            tensor([rows, width], 3) as tf.Tensor2D,
            { ...norms, ...Object.fromEntries(matrices) } as DecodeLayerWeights,
            { k: four(cached, 4), v: four(cached, 5) },
            {
              length,
              pads: new Int32Array(rows),
              cos: four([1, 1, 1, size], 6),
              sin: four([1, 1, 1, size], 7),
              heads,
              epsilon: 1e-3,
            },
          );
          return [x, cache.k, cache.v];
        }),
      ),
    );
  }

  test("gives the same with all matrices in 16 bits, and with some", async () => {
    const expected = await decode(() => false);
    expectClose(await decode(() => true), expected, 1e-6);
    expectClose(await decode((name) => name === "gate" || name === "q"), expected, 1e-6);
  });
});

test("tfjs's own backend, which would read words as numbers, is refused", async () => {
  closeWebgpuBackend();
  await tf.setBackend("webgpu");
  expect(() => storeHalf(Float32Array.of(1), [1], "w")).toThrow("Call openWebgpuBackend first.");
});
