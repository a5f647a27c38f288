import * as tf from "@tensorflow/tfjs-core";
import { expect, test } from "vitest";
import { registerWebgpuKernels } from "./index.ts";

test("kernels are registered without a device, once, and in place of what was filled in under their names", () => {
  const registered = () => tf.getKernelsForBackend("webgpu").map(({ kernelName }) => kernelName);
  expect(registered()).toEqual([]);
  const names = registerWebgpuKernels();
  expect(registered().sort()).toEqual([...names].sort());
  const kernels = names.map((name) => tf.getKernel(name, "webgpu"));
  tf.unregisterKernel("RowScore", "webgpu");
  tf.registerKernel({ kernelName: "RowScore", backendName: "webgpu", kernelFunc: () => [] });
  expect(registerWebgpuKernels()).toEqual(names);
  expect(names.map((name) => tf.getKernel(name, "webgpu").kernelFunc)).toEqual(
    kernels.map(({ kernelFunc }) => kernelFunc),
  );
});
