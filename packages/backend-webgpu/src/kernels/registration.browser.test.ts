import "@tensorflow/tfjs-backend-webgpu";
import { geluTanh, layerNorm, linear, rmsNorm, rotary, swiGlu } from "@imagine-opd/tensor-ops";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { onWebgpu, startWebgpu, tensor } from "../../test/parity.ts";
import { registerFusedKernels } from "./index.ts";

beforeAll(async () => {
  await startWebgpu();
});

it("registers every name once, in place of a composed form that was filled in", () => {
  const names = registerFusedKernels();
  expect(new Set(names).size).toBe(names.length);
  const first = names.map((name) => tf.getKernel(name, "webgpu"));
  expect(first.every((kernel) => kernel !== undefined)).toBe(true);
  expect(registerFusedKernels()).toEqual(names);
  expect(names.map((name) => tf.getKernel(name, "webgpu"))).toEqual(first);

  tf.unregisterKernel("OpdGeluTanh", "webgpu");
  const composed = { kernelName: "OpdGeluTanh", backendName: "webgpu", kernelFunc: () => [] };
  tf.registerKernel(composed);
  registerFusedKernels();
  expect(tf.getKernel("OpdGeluTanh", "webgpu")).not.toBe(composed);
});

const vector = (seed: number) => tensor([8], seed);
const four = (shape: readonly number[], seed: number) => tensor(shape, seed) as tf.Tensor4D;
const calls: readonly [string, readonly string[], (x: tf.Tensor) => tf.Tensor][] = [
  ["rmsNorm", ["OpdRmsNorm", "OpdRmsNormGradient"], (x) => rmsNorm(x, vector(2), 1e-5)],
  ["layerNorm", ["OpdLayerNorm", "OpdLayerNormGradient"], (x) => layerNorm(x, vector(2), vector(3), 1e-5)],
  ["geluTanh", ["OpdGeluTanh", "OpdGeluTanhGradient"], (x) => geluTanh(x)],
  ["swiGlu", ["OpdSwiGlu", "OpdSwiGluGradient"], (x) => swiGlu(x, tensor([1, 2, 3, 8], 2))],
  ["linear", ["OpdLinear", "BatchMatMul"], (x) => linear(x, tensor([5, 8], 2), tensor([5], 3))],
  [
    "rotary",
    ["OpdRotary", "OpdRotaryGradient"],
    (x) => rotary(x as tf.Tensor4D, four([1, 1, 3, 8], 2), four([1, 1, 3, 8], 3)),
  ],
];

describe("one kernel forward and one for the gradient in x", () => {
  it.each(calls)("%s", async (_name, expected, call) => {
    await onWebgpu(async () => {
      tf.env().set("CHECK_COMPUTATION_FOR_ERRORS", false);
      const { kernels } = await tf.profile(() =>
        tf.tidy(() => {
          const x = tensor([1, 2, 3, 8], 1);
          const dy = tensor(call(x).shape, 5);
          tf.grad((input) => call(input))(x, dy);
        }),
      );
      const views = new Set(["Reshape", "Identity"]);
      const names = kernels.map(({ name }) => name).filter((name) => !views.has(name));
      // The first is the call that gives dy its shape.
      expect(names).toEqual([expected[0], ...expected]);
    });
  });
});

it("refuses other types and shapes before a shader reads them", () => {
  tf.tidy(() => {
    const x = tf.ones([2, 4]);
    expect(() => rmsNorm(x, tf.ones([3]), 1e-5)).toThrow("backend-webgpu.OpdRmsNorm: the weight must have shape [4]");
    expect(() => linear(x, tf.ones([3, 5]))).toThrow("the weight must have shape [3,4], got [3,5]");
    expect(() => swiGlu(x, tf.ones([4, 2]))).toThrow("up must have shape [2,4], got [4,2]");
    expect(() => geluTanh(tf.ones([2], "int32"))).toThrow("only float32 is supported, got int32");
    const q = tf.ones([1, 2, 3, 4]) as tf.Tensor4D;
    expect(() => rotary(q, tf.ones([1, 1, 3, 2]), tf.ones([1, 1, 3, 2]))).toThrow("cos must have shape [1,1,3,4]");
  });
});

it("refuses a tensor that the device cannot bind, which would silently read as zeros", () => {
  const { device } = tf.backend() as unknown as { device: GPUDevice };
  const rows = device.limits.maxStorageBufferBindingSize / 4 / 1024 + 1;
  tf.tidy(() => {
    // Its memory is only taken when it is used.
    const large = tf.engine().makeTensorFromTensorInfo({ ...tf.zeros([1]), shape: [rows, 1024], dtype: "float32" });
    // Which limit is named depends on the device: where a buffer holds no more than a binding, the buffer's comes first.
    expect(() => geluTanh(large)).toThrow(/this device (binds|holds) at most/);
  });
});
