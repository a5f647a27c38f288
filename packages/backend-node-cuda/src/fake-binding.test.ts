// A fake binding: what is refused, and what is sent to TensorFlow. It says nothing about numbers, nor about CUDA.
import * as tf from "@tensorflow/tfjs-core";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { fakeTfjsNode } from "../test/fake-tfjs-node.ts";
import type { TensorFlowBackend } from "./binding.ts";
import { gather } from "./gather-kernel.ts";
import { openNodeBackend } from "./open-node-backend.ts";

const fake = vi.hoisted(() => ({ usesGpu: false, folder: "" }));

vi.mock("./load-addon.ts", () => ({
  loadAddon: () => ({ TF_Version: "2.99.0", isUsingGpuDevice: () => fake.usesGpu }),
}));
vi.mock("./locate-addon.ts", () => ({
  tfjsVersion: "4.22.0",
  locateAddon: (device: string, addon = "/fake/tfjs_binding.node") => ({
    device,
    source: "setup",
    addon,
    package: fake.folder,
  }),
}));

describe("openNodeBackend", () => {
  beforeEach(() => {
    fake.usesGpu = false;
    fake.folder = fakeTfjsNode();
    for (const name of ["TF_CPP_MIN_LOG_LEVEL", "TF_FORCE_GPU_ALLOW_GROWTH", "NVIDIA_TF32_OVERRIDE"]) {
      vi.stubEnv(name, process.env[name]);
    }
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    Reflect.deleteProperty(globalThis, Symbol.for("@imagine-opd/backend-node-cuda/loaded"));
    if (tf.findBackendFactory("tensorflow") !== null) tf.removeBackend("tensorflow");
    if (tf.getKernel("Fake", "tensorflow") !== undefined) tf.unregisterKernel("Fake", "tensorflow");
  });

  test("cuda on a TensorFlow that computes on the CPU is an error, not a slow success", async () => {
    await expect(openNodeBackend({ device: "cuda" })).rejects.toMatchObject({
      code: "mismatch",
      details: { asked: "cuda", using: "cpu", tensorflow: "2.99.0" },
    });
    await expect(openNodeBackend({ device: "cuda" })).rejects.toThrow(
      /the device asked for is "cuda", and TensorFlow 2\.99\.0 \(\/fake\/tfjs_binding\.node\) computes on "cpu"\. .*nvidia-smi/,
    );
    expect(tf.getBackend()).not.toBe("tensorflow");
    expect(process.env).toMatchObject({ TF_FORCE_GPU_ALLOW_GROWTH: "true", NVIDIA_TF32_OVERRIDE: "0" });
  });

  test("cpu on a TensorFlow that computes on a card is an error too", async () => {
    fake.usesGpu = true;
    await expect(openNodeBackend({ device: "cpu" })).rejects.toThrow(
      "Hide the cards before Node starts: CUDA_VISIBLE_DEVICES=-1",
    );
  });

  test("what TensorFlow reads once cannot be chosen anew", async () => {
    await expect(openNodeBackend({ device: "cuda" })).rejects.toThrow('computes on "cpu"');
    await expect(openNodeBackend({ device: "cuda", tf32: "on" })).rejects.toThrow(
      "this process has loaded TensorFlow with TF32 off already. Start a new process.",
    );
    await expect(openNodeBackend({ device: "cuda", addon: "/other.node" })).rejects.toThrow(
      "this process has loaded /fake/tfjs_binding.node already. Start a new process.",
    );
  });

  test("a backend that something else registered is left alone", async () => {
    tf.registerBackend("tensorflow", () => new tf.KernelBackend());
    await expect(openNodeBackend({ device: "cpu" })).rejects.toThrow(
      'something else registered the backend "tensorflow" before.',
    );
  });

  test("wrong options are refused by name", async () => {
    await expect(openNodeBackend({ device: "tpu" as "cpu" })).rejects.toThrow(
      '`device` must be "cuda" or "cpu", got "tpu".',
    );
    await expect(openNodeBackend({ device: "cpu", tf32: true as never })).rejects.toThrow(
      '`tf32` must be "on" or "off", got true.',
    );
  });
});

describe("gather", () => {
  /** Records the op instead of running it. `waiting`: the indices are still in JavaScript. */
  function send(axis: number, indices: Int32Array | null) {
    const sent: unknown[] = [];
    const backend = {
      binding: { TF_ATTR_TYPE: 1, TF_ATTR_INT: 2 },
      getDTypeInteger: (dtype: string) => ({ float32: 10, int32: 30 })[dtype],
      tensorMap: { get: () => ({ values: indices }) },
      readSync: () => expect.fail("the indices were read back"),
      executeSingleOutput: (name: string, attributes: readonly unknown[], inputs: readonly unknown[]) => {
        sent.push(name, attributes, inputs.length);
        return "result";
      },
    } as unknown as TensorFlowBackend;
    const [x, index] = [
      { shape: [3, 2], dtype: "float32" },
      { shape: [1], dtype: "int32", dataId: {} },
    ];
    gather({ inputs: { x, indices: index } as never, attrs: { axis, batchDims: 0 }, backend });
    return sent;
  }

  beforeEach(async () => {
    await import("@tensorflow/tfjs-backend-cpu");
    tf.env().set("IS_TEST", true);
    await tf.setBackend("cpu");
  });

  test("sends TensorFlow's GatherV2, and never reads the indices back", () => {
    expect(send(0, null)).toEqual([
      "GatherV2",
      [
        { name: "batch_dims", type: 2, value: 0 },
        { name: "Tparams", type: 1, value: 10 },
        { name: "Tindices", type: 1, value: 30 },
        { name: "Taxis", type: 1, value: 30 },
      ],
      3,
    ]);
    expect(tf.memory().numTensors).toBe(0);
  });

  test("refuses an index outside the axis while it is still in JavaScript", () => {
    expect(send(-1, Int32Array.of(1))).toHaveLength(3);
    expect(() => send(-1, Int32Array.of(2))).toThrow(
      "backend-node-cuda.GatherV2: index 2 (at 0) is outside the axis of length 2.",
    );
    expect(() => send(0, Int32Array.of(-1))).toThrow("index -1 (at 0) is outside the axis of length 3.");
  });
});
