import { drawnNumbers, drawnTensor } from "@imagine-opd/test-kit";
import * as tf from "@tensorflow/tfjs-core";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { closeWasmBackend, openWasmBackend } from "./index.ts";

const normal = (shape: [number, number], seed: number): tf.Tensor2D => drawnTensor(shape, seed) as tf.Tensor2D;

const bits = (x: Float32Array | Int32Array | Uint8Array): Uint32Array => new Uint32Array(x.slice().buffer);

describe("the SIMD kernels", () => {
  beforeAll(async () => {
    await openWasmBackend();
  });
  afterAll(() => closeWasmBackend());

  it("give a row of a product the same bits alone and among any number of rows", () => {
    const check = (rows: number, n: number, k: number, transposeB: boolean) => {
      const [all, ...single] = tf.tidy(() => {
        const a = normal([rows, k], 1);
        const b = normal(transposeB ? [n, k] : [k, n], 2);
        const times = (x: tf.Tensor2D) => tf.matMul(x, b, false, transposeB).dataSync();
        return [times(a), ...Array.from({ length: rows }, (_, i) => times(tf.slice(a, [i, 0], [1, k])))];
      });
      single.forEach((values, i) => {
        expect(bits(values)).toEqual(bits(all!.slice(i * n, (i + 1) * n)));
      });
    };
    const upTo = (max: number) => fc.integer({ min: 1, max });
    fc.assert(fc.property(upTo(23), upTo(70), upTo(600), fc.boolean(), check), { numRuns: 60, seed: 7 });
  });

  it("give a product the same bits however the operands are stored, and batched", () => {
    const results = tf.tidy(() => {
      const [a, b] = [normal([13, 300], 1), normal([300, 21], 2)];
      const [aT, bT] = [tf.transpose(a), tf.transpose(b)];
      const pair = tf.matMul(tf.stack([a, a]), tf.stack([bT, bT]), false, true);
      return [
        tf.matMul(a, b),
        tf.matMul(a, bT, false, true),
        tf.matMul(aT, b, true, false),
        tf.matMul(aT, bT, true, true),
        tf.slice(pair, [1, 0, 0], [1, 13, 21]),
      ].map((tensor) => tensor.dataSync());
    });
    const [nn, ...others] = results.map(bits);
    for (const other of others) expect(other).toEqual(nn);
  });

  it("sum in ascending order of k, in float32", () => {
    const [a, b] = [drawnNumbers(500, 1), drawnNumbers(500, 2)];
    let sum = 0;
    for (let k = 0; k < 500; k++) sum = Math.fround(sum + Math.fround(a[k]! * b[k]!));
    const got = tf.tidy(() => tf.matMul(tf.tensor2d(a, [1, 500]), tf.tensor2d(b, [500, 1])).dataSync());
    expect(got[0]).toBe(sum);
  });

  it("softmax to exactly 0 from 80 below the largest", () => {
    const out = tf.tidy(() => tf.softmax(tf.tensor1d([0, -79.5, -80.5, -87])).dataSync());
    expect(Array.from(out, (x) => x > 0)).toEqual([true, true, false, false]);
  });

  it("leave the bits of a softmax alone when masked entries follow", () => {
    const logits = Array.from(drawnNumbers(11, 1));
    const short = tf.tidy(() => tf.softmax(tf.tensor1d(logits)).dataSync());
    const long = tf.tidy(() => tf.softmax(tf.tensor1d([...logits, -1e9, -1e9, -1e9, -1e9, -1e9, -1e9])).dataSync());
    expect(bits(long.slice(0, 11))).toEqual(bits(short));
  });

  it("are refused after their backend was removed", async () => {
    const factory = tf.findBackendFactory("wasm");
    const kernel = tf.getKernel("Softmax", "wasm")!;
    tf.removeBackend("wasm");
    tf.registerBackend("wasm", factory);
    await tf.setBackend("wasm");
    const logits = tf.ones([3]);
    expect(() => tf.softmax(logits)).toThrow("Call openWasmBackend again after tf.removeBackend.");
    await openWasmBackend();
    expect(tf.getKernel("Softmax", "wasm")).not.toBe(kernel);
    const again = tf.softmax(logits);
    expect(Array.from(again.dataSync())).toEqual(Array(3).fill(Math.fround(1 / 3)));
    tf.dispose([logits, again]);
  });
});
