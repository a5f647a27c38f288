import * as tf from "@tensorflow/tfjs-core";
import { afterEach, expect, it } from "vitest";
import { closeWasmBackend, openWasmBackend } from "./index.ts";

const heapBytes = (): number => (tf.backend() as unknown as { wasm: { HEAPU8: Uint8Array } }).wasm.HEAPU8.length;

afterEach(() => {
  const factory = tf.findBackendFactory("wasm");
  closeWasmBackend();
  tf.removeBackend("wasm");
  tf.registerBackend("wasm", factory);
});

it.each(["javascript", "fast"] as const)("%s kernels stay right when the heap grows", async (kernels) => {
  await openWasmBackend({ kernels });
  const ids = tf.tensor1d([1, 0, 1], "int32");
  const a = tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]);
  const compute = (): number[] =>
    tf.tidy(() => {
      const weights = tf.softmax(tf.matMul(a, a, false, true));
      const sums = tf.unsortedSegmentSum(tf.matMul(weights, a), ids, 2);
      return Array.from(sums.dataSync());
    });
  const expected = compute();
  const small = heapBytes();
  const ballast = tf.zeros([15_000_000]);
  expect(heapBytes()).toBeGreaterThan(small + 40e6);
  expect(compute()).toEqual(expected);

  // Each of these outputs makes the heap grow by itself, so that what a kernel looked up before it would be stale.
  const large = Math.ceil(heapBytes() / 4 / 100);
  const x = tf.zeros([large, 1]);
  const grown = [heapBytes()];
  const extremes = tf.tidy(() => {
    const product = tf.matMul(x, tf.ones([1, 100]));
    grown.push(heapBytes());
    const weights = tf.softmax(product);
    grown.push(heapBytes());
    return [tf.max(product), tf.min(product), tf.max(weights), tf.min(weights)].map((t) => t.dataSync()[0]!);
  });
  expect(grown[1]).toBeGreaterThan(grown[0]!);
  expect(grown[2]).toBeGreaterThan(grown[1]!);
  expect(extremes).toEqual([0, 0, Math.fround(0.01), Math.fround(0.01)]);
  tf.dispose([ids, a, ballast, x]);
});
