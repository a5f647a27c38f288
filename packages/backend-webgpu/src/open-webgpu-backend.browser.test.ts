import * as tf from "@tensorflow/tfjs-core";
import { afterEach, describe, expect, test, vi } from "vitest";
import { closeWebgpuBackend, openWebgpuBackend } from "./index.ts";

afterEach(() => {
  vi.restoreAllMocks();
  closeWebgpuBackend();
});

/** `navigator.gpu` as a browser without WebGPU has it, for as long as `run` takes. */
async function withoutWebgpu(run: () => Promise<void>): Promise<void> {
  Object.defineProperty(navigator, "gpu", { value: undefined, configurable: true });
  try {
    await run();
  } finally {
    delete (navigator as unknown as Record<string, unknown>).gpu;
  }
}

describe("what is reported", () => {
  test("the adapter, software by name, features, limits", async () => {
    const report = await openWebgpuBackend();
    expect(report).toMatchObject({
      backend: "webgpu",
      provider: "host",
      tfjs: "4.22.0",
      adapter: { vendor: "google", architecture: "swiftshader", software: true },
    });
    expect(report.features).toContain("timestamp-query");
    expect(report.limits.maxStorageBufferBindingSize).toBe(2 ** 30);
    expect(tf.getBackend()).toBe("webgpu");
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });

  test("small operations run on the device while it is open, and tfjs's own backend is back after closing", async () => {
    const stock = tf.findBackendFactory("webgpu");
    await openWebgpuBackend();
    expect(tf.env().getBool("WEBGPU_CPU_FORWARD")).toBe(false);
    expect(tf.findBackendFactory("webgpu")).not.toBe(stock);
    closeWebgpuBackend();
    expect(tf.env().getBool("WEBGPU_CPU_FORWARD")).toBe(true);
    expect(tf.findBackendFactory("webgpu")).toBe(stock);
    closeWebgpuBackend();
  });

  test("opening again makes a new device, and tensors of the old one say so", async () => {
    await openWebgpuBackend();
    const x = tf.add(tf.ones([3]), 1);
    await openWebgpuBackend();
    await expect(x.data()).rejects.toMatchObject({ code: "disposed" });
    x.dispose();
    const y = tf.add(tf.ones([3]), 1);
    expect(Array.from(await y.data())).toEqual([2, 2, 2]);
    y.dispose();
  });
});

describe("what is not there", () => {
  test("a browser without WebGPU", async () => {
    await withoutWebgpu(async () => {
      await expect(openWebgpuBackend()).rejects.toMatchObject({
        code: "missing-part",
        message: expect.stringContaining("this browser has no WebGPU (navigator.gpu is not there). Take a current"),
      });
    });
  });

  test("no adapter", async () => {
    vi.spyOn(navigator.gpu, "requestAdapter").mockResolvedValue(null);
    await expect(openWebgpuBackend()).rejects.toMatchObject({
      code: "missing-part",
      message: expect.stringContaining("WebGPU is there, and it found no adapter."),
    });
  });

  test("an adapter without a device", async () => {
    vi.spyOn(GPUAdapter.prototype, "requestDevice").mockRejectedValue(new Error("no memory left"));
    await expect(openWebgpuBackend()).rejects.toMatchObject({
      code: "missing-part",
      message: expect.stringContaining("the adapter gave no device: no memory left"),
    });
  });

  test("a software adapter where it is refused", async () => {
    await expect(openWebgpuBackend({ softwareAdapter: "refuse" })).rejects.toMatchObject({
      code: "missing-part",
      message: expect.stringContaining(
        'the only adapter is a software one (swiftshader), and `softwareAdapter` is "re',
      ),
    });
  });

  test("a limit above the adapter's, and an unknown choice", async () => {
    await expect(openWebgpuBackend({ limits: { maxBufferSize: 2 ** 40 } })).rejects.toThrow(
      "`limits.maxBufferSize` must be a whole number from 1 to the adapter's 1073741824, got 1099511627776.",
    );
    await expect(openWebgpuBackend({ softwareAdapter: "maybe" as never })).rejects.toThrow(
      'backend-webgpu.openWebgpuBackend: `softwareAdapter` must be "allow" or "refuse", got "maybe".',
    );
  });
});

describe("the self-test", () => {
  async function openWithKernel(name: string, change: (own: tf.KernelFunc) => tf.KernelFunc) {
    const own = tf.getKernel(name, "webgpu");
    tf.unregisterKernel(name, "webgpu");
    tf.registerKernel({ ...own, kernelFunc: change(own.kernelFunc) });
    try {
      return await openWebgpuBackend();
    } finally {
      tf.unregisterKernel(name, "webgpu");
      tf.registerKernel(own);
    }
  }

  test("refuses a product that forgets a transposition, and closes", async () => {
    const forgetful = (own: tf.KernelFunc) => (parameters: Parameters<tf.KernelFunc>[0]) => {
      if (!parameters.attrs?.transposeB) return own(parameters);
      const { b } = parameters.inputs as { b: tf.Tensor3D };
      return own({ ...parameters, inputs: { ...parameters.inputs, b: tf.reverse(b, [0, 1]) } });
    };
    await expect(openWithKernel("BatchMatMul", forgetful)).rejects.toMatchObject({
      code: "mismatch",
      details: { kernel: "BatchMatMul", what: "transposeA false, transposeB true" },
    });
    await expect(openWebgpuBackend()).resolves.toMatchObject({ backend: "webgpu" });
  });

  test("refuses a softmax of nothing", async () => {
    const zeros: tf.KernelFunc = ({ inputs }) => tf.zerosLike(inputs.logits as tf.Tensor);
    await expect(openWithKernel("Softmax", () => zeros)).rejects.toMatchObject({
      code: "mismatch",
      message: expect.stringContaining("the kernel Softmax (a masked row, an all masked row"),
    });
  });
});
