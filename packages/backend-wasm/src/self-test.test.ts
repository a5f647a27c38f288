import * as tf from "@tensorflow/tfjs-core";
import { afterEach, beforeEach, expect, it } from "vitest";
import { closeWasmBackend, openWasmBackend } from "./index.ts";
import { runSelfTest } from "./self-test.ts";

beforeEach(async () => {
  await openWasmBackend();
});
afterEach(() => closeWasmBackend());

it.each(["BatchMatMul", "Softmax", "UnsortedSegmentSum", "GatherV2", "OneHot"])(
  "notices one wrong element of %s",
  async (name) => {
    const config = tf.getKernel(name, "wasm")!;
    tf.unregisterKernel(name, "wasm");
    tf.registerKernel({
      ...config,
      kernelFunc: (args) => {
        const out = config.kernelFunc(args) as tf.TensorInfo;
        const view = (args.backend as { typedArrayFromHeap(t: tf.TensorInfo): Float32Array }).typedArrayFromHeap(out);
        view[0]! += 0.001;
        return out;
      },
    });
    const before = tf.memory().numTensors;
    try {
      await expect(runSelfTest()).rejects.toMatchObject({ code: "mismatch", details: { kernel: name } });
      await expect(runSelfTest()).rejects.toThrow(`the kernel ${name} (`);
      expect(tf.memory().numTensors).toBe(before);
    } finally {
      tf.unregisterKernel(name, "wasm");
      tf.registerKernel(config);
    }
    await runSelfTest();
  },
);

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
