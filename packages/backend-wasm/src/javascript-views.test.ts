import * as tf from "@tensorflow/tfjs-core";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { closeWasmBackend, openWasmBackend } from "./index.ts";

beforeAll(async () => {
  await openWasmBackend();
});
afterAll(() => closeWasmBackend());

describe("Slice", () => {
  it("takes every part of tensors of up to five axes", () => {
    const axis = fc
      .tuple(fc.integer({ min: 1, max: 20 }), fc.nat(19), fc.nat(20))
      .map(([length, from, size]) => ({ length, from: from % length, size: size % (length - (from % length) + 1) }));
    fc.assert(
      fc.property(
        fc.array(axis, { minLength: 1, maxLength: 4 }),
        fc.constantFrom("float32", "int32"),
        (axes, dtype) => {
          const shape = axes.map(({ length }) => length);
          const [from, size] = [axes.map((one) => one.from), axes.map((one) => one.size)];
          const total = tf.util.sizeFromShape(shape);
          const strides = shape.map((_, i) => tf.util.sizeFromShape(shape.slice(i + 1)));
          const expected = Array.from({ length: total }, (_, i) => i).filter((i) =>
            axes.every((one, a) => {
              const place = Math.floor(i / strides[a]!) % shape[a]!;
              return place >= one.from && place < one.from + one.size;
            }),
          );
          tf.tidy(() => {
            const x = tf.tensor(
              Float32Array.from({ length: total }, (_, i) => i),
              shape,
              dtype as "float32",
            );
            const part = tf.slice(x, from, size);
            expect(part.shape).toEqual(size);
            expect(Array.from(part.dataSync())).toEqual(expected);
          });
        },
      ),
      { numRuns: 300, seed: 3 },
    );
  });

  it("takes booleans, and refuses what is outside", () => {
    tf.tidy(() => {
      const x = tf.tensor2d([1, 0, 1, 0, 0, 1], [2, 3], "bool");
      expect(Array.from(tf.slice(x, [0, 1], [2, 2]).dataSync())).toEqual([0, 1, 0, 1]);
      expect(() => tf.slice(x, [0, 2], [2, 2])).toThrow();
    });
  });
});

describe("Identity", () => {
  it("copies nothing, and outlives the tensor that it was made of", () => {
    const heap = () => (tf.backend() as unknown as { wasm: { HEAPU8: Uint8Array } }).wasm.HEAPU8.length;
    const before = tf.memory();
    const x = tf.tensor1d([1, 2, 3]);
    const copies = Array.from({ length: 5 }, () => tf.clone(x));
    expect(tf.memory().numDataBuffers).toBe(before.numDataBuffers + 1);
    x.dispose();
    for (const copy of copies) {
      expect(Array.from(copy.dataSync())).toEqual([1, 2, 3]);
      copy.dispose();
    }
    expect(tf.memory().numDataBuffers).toBe(before.numDataBuffers);
    expect(tf.memory().numTensors).toBe(before.numTensors);
    const large = tf.zeros([1 << 20]);
    const size = heap();
    const many = Array.from({ length: 400 }, () => tf.clone(large));
    expect(heap()).toBe(size);
    tf.dispose([large, ...many]);
  });

  it("a variable that is assigned anew leaves the tensor that it started from", () => {
    tf.tidy(() => {
      const start = tf.tensor1d([1, 2]);
      const variable = tf.variable(start);
      variable.assign(tf.tensor1d([3, 4]));
      expect(Array.from(start.dataSync())).toEqual([1, 2]);
      expect(Array.from(variable.dataSync())).toEqual([3, 4]);
      variable.dispose();
    });
  });
});
