import * as tf from "@tensorflow/tfjs-core";
import { afterEach, beforeEach, expect, it } from "vitest";
import { closeWasmBackend, openWasmBackend } from "./index.ts";
import { runSelfTest } from "./self-test.ts";

beforeEach(async () => {
  await openWasmBackend();
});
afterEach(() => closeWasmBackend());

/** Kernels of ours, and the op whose check notices a fault in each. */
const guarded = [
  ...["BatchMatMul", "Softmax", "UnsortedSegmentSum", "GatherV2", "OneHot"].map((name) => [name, name] as const),
  ...["OpdLinear", "OpdRmsNorm", "OpdLayerNorm", "OpdGeluTanh", "OpdSwiGlu", "OpdRotary", "OpdAttention"].map(
    (name) => [name, name] as const,
  ),
  ...["RmsNorm", "LayerNorm", "GeluTanh", "SwiGlu", "Rotary", "Attention"].map(
    (op) => [`Opd${op}Gradient`, `Opd${op}`] as const,
  ),
  ["OpdRmsNormWeightGradient", "OpdRmsNorm"],
  ["OpdLayerNormWeightGradient", "OpdLayerNorm"],
  ["OpdSumRows", "OpdLinear"],
  ["OpdDecodeLayer", "OpdDecodeLayer"],
] as const;

it.each(guarded)("notices one wrong element of %s", async (name, kernel) => {
  const config = tf.getKernel(name, "wasm")!;
  tf.unregisterKernel(name, "wasm");
  tf.registerKernel({
    ...config,
    kernelFunc: (args) => {
      const result = config.kernelFunc(args) as tf.TensorInfo | tf.TensorInfo[];
      const out = Array.isArray(result) ? result[0]! : result;
      const view = (args.backend as { typedArrayFromHeap(t: tf.TensorInfo): Float32Array }).typedArrayFromHeap(out);
      view[0]! += 0.001;
      return result;
    },
  });
  const before = tf.memory().numTensors;
  try {
    await expect(runSelfTest()).rejects.toMatchObject({ code: "mismatch", details: { kernel } });
    await expect(runSelfTest()).rejects.toThrow(`the kernel ${kernel} (`);
    expect(tf.memory().numTensors).toBe(before);
  } finally {
    tf.unregisterKernel(name, "wasm");
    tf.registerKernel(config);
  }
  await runSelfTest();
});

it("notices a kernel that is not there", async () => {
  const config = tf.getKernel("UnsortedSegmentSum", "wasm")!;
  tf.unregisterKernel("UnsortedSegmentSum", "wasm");
  try {
    await expect(runSelfTest()).rejects.toThrow(
      "backend-wasm.openWasmBackend: the kernel UnsortedSegmentSum is not registered for the wasm backend.",
    );
  } finally {
    tf.registerKernel(config);
  }
});
