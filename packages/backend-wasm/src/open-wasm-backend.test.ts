import * as tf from "@tensorflow/tfjs-core";
import { afterEach, describe, expect, it } from "vitest";
import { closeWasmBackend, openWasmBackend } from "./index.ts";

/** The ops of tensor-ops that run as one compiled kernel. */
const fused = [
  "OpdAdamW",
  "OpdAttention",
  "OpdAttentionGradient",
  "OpdDecodeLayer",
  "OpdGeluTanh",
  "OpdGeluTanhGradient",
  "OpdLayerNorm",
  "OpdLayerNormGradient",
  "OpdLayerNormWeightGradient",
  "OpdLinear",
  "OpdRmsNorm",
  "OpdRmsNormGradient",
  "OpdRmsNormWeightGradient",
  "OpdRotary",
  "OpdRotaryGradient",
  "OpdSumRows",
  "OpdSwiGlu",
  "OpdSwiGluGradient",
];

const names = ["BatchMatMul", "GatherV2", "Softmax", "UnsortedSegmentSum"];

/** Registers a kernel that is wrong until the returned function is called. */
function plant(kernelName: string, kernelFunc: tf.KernelFunc): () => void {
  const stock = tf.getKernel(kernelName, "wasm");
  if (stock !== undefined) tf.unregisterKernel(kernelName, "wasm");
  tf.registerKernel({ ...stock, kernelName, backendName: "wasm", kernelFunc });
  return () => {
    tf.unregisterKernel(kernelName, "wasm");
    if (stock !== undefined) tf.registerKernel(stock);
  };
}

describe("openWasmBackend", () => {
  afterEach(() => closeWasmBackend());

  it("reports what runs, by name", async () => {
    expect(await openWasmBackend()).toEqual({
      backend: "wasm",
      simd: true,
      threads: 1,
      tfjs: "4.22.0",
      kernels: {
        BatchMatMul: "simd",
        GatherV2: "javascript",
        Identity: "javascript",
        OneHot: "javascript",
        Slice: "javascript",
        Softmax: "simd",
        Transpose: "simd",
        UnsortedSegmentSum: "javascript",
      },
      fused,
    });
    expect(tf.getBackend()).toBe("wasm");
    const { kernels: javascript, fused: none } = await openWasmBackend({ kernels: "javascript" });
    expect(none).toEqual([]);
    expect(javascript).toEqual({
      BatchMatMul: "javascript",
      GatherV2: "javascript",
      Identity: "javascript",
      OneHot: "javascript",
      Slice: "javascript",
      Softmax: "stock",
      Transpose: "stock",
      UnsortedSegmentSum: "javascript",
    });
    const { kernels: stock } = await openWasmBackend({ kernels: "stock" });
    expect(stock).toEqual({
      BatchMatMul: "stock",
      GatherV2: "stock",
      Identity: "stock",
      OneHot: "javascript",
      Slice: "stock",
      Softmax: "stock",
      Transpose: "stock",
      UnsortedSegmentSum: "javascript",
    });
  });

  it("falls to the JavaScript kernels without SIMD, and says so", async () => {
    tf.env().set("WASM_HAS_SIMD_SUPPORT", false);
    try {
      const { simd, kernels } = await openWasmBackend();
      expect({ simd, kernels }).toEqual({
        simd: false,
        kernels: {
          BatchMatMul: "javascript",
          GatherV2: "javascript",
          Identity: "javascript",
          OneHot: "javascript",
          Slice: "javascript",
          Softmax: "stock",
          Transpose: "stock",
          UnsortedSegmentSum: "javascript",
        },
      });
    } finally {
      tf.env().set("WASM_HAS_SIMD_SUPPORT", true);
    }
  });

  it("restores tfjs's kernels on close, however often it was opened", async () => {
    const before = names.map((name) => tf.getKernel(name, "wasm"));
    const composed = fused.map((name) => tf.getKernel(name, "wasm"));
    await openWasmBackend();
    await openWasmBackend();
    expect(tf.getKernel("BatchMatMul", "wasm")).not.toBe(before[0]);
    closeWasmBackend();
    closeWasmBackend();
    expect(names.map((name) => tf.getKernel(name, "wasm"))).toEqual(before);
    expect(before[0]).toBeDefined();
    expect(before[3]).toBeUndefined();
    expect(fused.map((name) => tf.getKernel(name, "wasm"))).toEqual(composed);
  });

  it("leaves no tensor behind", async () => {
    await openWasmBackend();
    const before = tf.memory();
    await openWasmBackend({ kernels: "javascript" });
    expect(tf.memory().numTensors).toBe(before.numTensors);
    expect(tf.memory().numDataBuffers).toBe(before.numDataBuffers);
  });

  it("differentiates without further registration", async () => {
    await openWasmBackend();
    const gradient = tf.tidy(() =>
      tf.grad((x: tf.Tensor) => tf.sum(tf.matMul(x as tf.Tensor2D, tf.ones([2, 3]))))(tf.ones([1, 2])),
    );
    expect(Array.from(gradient.dataSync())).toEqual([3, 3]);
    gradient.dispose();
  });

  it.each(["BatchMatMul", "Softmax", "GatherV2"])("notices a wrong %s", async (name) => {
    const { kernelFunc } = tf.getKernel(name, "wasm")!;
    const remove = plant(name, (args) => {
      const out = kernelFunc(args) as tf.TensorInfo;
      // biome-ignore lint/suspicious/noExplicitAny: the heap is a private field
      const view = (args.backend as any).typedArrayFromHeap(out);
      view[view.length - 1] += 1;
      return out;
    });
    try {
      const opening = openWasmBackend({ kernels: "stock" });
      await expect(opening).rejects.toMatchObject({ code: "mismatch", details: { kernel: name } });
    } finally {
      remove();
    }
  });

  it.each(["Rsqrt", "Transpose", "GatherV2"])("names %s when it is missing, and closes again", async (kernel) => {
    const config = tf.getKernel(kernel, "wasm")!;
    tf.unregisterKernel(kernel, "wasm");
    try {
      const opening = openWasmBackend({ kernels: "javascript" });
      await expect(opening).rejects.toMatchObject({ code: "missing-part", details: { kernel } });
      expect(tf.getKernel("UnsortedSegmentSum", "wasm")).toBeUndefined();
    } finally {
      tf.registerKernel(config);
    }
  });

  it("refuses an unknown choice of kernels", async () => {
    await expect(openWasmBackend({ kernels: "quick" as "fast" })).rejects.toThrow(
      'backend-wasm.openWasmBackend: `kernels` must be "fast", "javascript" or "stock", got "quick".',
    );
  });
});
