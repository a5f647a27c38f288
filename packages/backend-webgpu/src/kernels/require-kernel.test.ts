import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import { type KernelConfig, registerKernel, type TensorInfo, unregisterKernel } from "@tensorflow/tfjs-core";
import { expect, test } from "vitest";
import { linearKernel } from "./linear.ts";
import { requireKernel } from "./require-kernel.ts";

const noKernels = { tensorMap: { get: () => ({}) } } as unknown as WebGPUBackend;
const floats = (...shape: number[]): TensorInfo => ({ dataId: {}, shape, dtype: "float32" });

test.each([
  ["with a bias", "_FusedMatMul", "_fusedMatMulConfig", [floats(2, 3), floats(4, 3), floats(4)]],
  ["without", "BatchMatMul", "batchMatMulConfig", [floats(2, 3), floats(4, 3)]],
])(
  "a linear map %s names the kernel of tfjs that it lacks, and how to register it",
  (_which, kernel, config, inputs) => {
    expect(() => linearKernel.run(noKernels, inputs, {})).toThrow(
      expect.objectContaining({
        code: "missing-part",
        details: { kernel },
        message: `backend-webgpu.OpdLinear: it runs the kernel ${kernel} of tfjs, which is not registered for the WebGPU backend. Import "@tensorflow/tfjs-backend-webgpu" whole, or pass \`${config}\` of "@tensorflow/tfjs-backend-webgpu/dist/kernels/${kernel}.js" to registerKernel of tfjs-core.`,
      }),
    );
  },
);

test("a registered kernel is given", () => {
  const kernel: KernelConfig = { kernelName: "Sum", backendName: "webgpu", kernelFunc: () => [] };
  registerKernel(kernel);
  expect(requireKernel("Sum", "test")).toBe(kernel);
  unregisterKernel("Sum", "webgpu");
});
