import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import * as tf from "@tensorflow/tfjs-core";
import { runComparison } from "./comparison-kernel.ts";
import { runDivergence, runDivergenceGradient } from "./divergence-kernels.ts";
import { runScore } from "./score-kernel.ts";
import { runSupportMass } from "./support-mass-kernel.ts";
import { runTokenGradient } from "./token-gradient-kernel.ts";

type RunKernel<Attributes> = (
  backend: WebGPUBackend,
  inputs: readonly tf.TensorInfo[],
  attributes: Attributes,
) => tf.TensorInfo;

const backendName = "webgpu";

const kernels: Readonly<Record<string, tf.KernelFunc>> = {
  RowComparison: toKernel(runComparison),
  RowScore: toKernel(runScore),
  RowSupportMass: toKernel(runSupportMass),
  RowDivergence: toKernel(runDivergence),
  RowDivergenceGradient: toKernel(runDivergenceGradient),
  RowTokenGradient: toKernel(runTokenGradient),
};

/**
 * Lets the losses run on kernels of their own, in WGSL, on tfjs's WebGPU backend: each reads a row once or twice where the
 * composed form makes a dozen tensors of its size. Values and gradients are the same to rounding. May be called before or after
 * the backend is set, and again.
 *
 * @returns the names of the kernels.
 */
export function registerWebgpuKernels(): readonly string[] {
  for (const [kernelName, kernelFunc] of Object.entries(kernels)) {
    const present = tf.getKernel(kernelName, backendName);
    if (present?.kernelFunc === kernelFunc) continue;
    // A loss that ran before has filled in its composed form.
    if (present !== undefined) tf.unregisterKernel(kernelName, backendName);
    tf.registerKernel({ kernelName, backendName, kernelFunc });
  }
  return Object.keys(kernels);
}

function toKernel<Attributes>(run: RunKernel<Attributes>): tf.KernelFunc {
  // The losses pass their inputs as an array, which tfjs keys by position.
  return ({ inputs, backend, attrs }) =>
    run(backend as WebGPUBackend, Object.values(inputs) as tf.TensorInfo[], attrs as unknown as Attributes);
}
