import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import { getKernel, type KernelConfig, registerKernel, type TensorInfo, unregisterKernel } from "@tensorflow/tfjs-core";
import { storeHalfKernel } from "../half-storage/store-half.ts";
import { activationKernels } from "./activations.ts";
import { adamWKernel } from "./adamw.ts";
import { attentionKernels } from "./attention.ts";
import { requireFloats } from "./check-inputs.ts";
import { sumRowsKernel } from "./column-sums.ts";
import { decodeLayerKernel } from "./decode-layer.ts";
import type { FusedKernel } from "./fused-kernel.ts";
import { linearKernel } from "./linear.ts";
import { normKernels } from "./norms.ts";
import { rotaryKernels } from "./rotary.ts";
import { takeRowsGradientKernel } from "./take-rows-gradient.ts";

const kernels: readonly FusedKernel[] = [
  linearKernel,
  sumRowsKernel,
  ...normKernels,
  ...activationKernels,
  ...rotaryKernels,
  ...attentionKernels,
  takeRowsGradientKernel,
  decodeLayerKernel,
  adamWKernel,
  storeHalfKernel,
];

/** Marks kernels of ours. A shared symbol, so that copies of this package agree. */
const fused = Symbol.for("@imagine-opd/backend-webgpu/fused");

function configOf({ name, run }: FusedKernel): KernelConfig {
  const config: KernelConfig & { readonly [fused]: true } = {
    kernelName: name,
    backendName: "webgpu",
    kernelFunc: ({ inputs, attrs, backend }) => {
      const given = Object.values(inputs) as TensorInfo[];
      requireFloats(name, given);
      return run(backend as WebGPUBackend, given, attrs ?? {});
    },
    [fused]: true,
  };
  return config;
}

/**
 * Registers the kernels of this package for tfjs's WebGPU backend under their names in `tensor-ops`, in place of composed
 * forms that may have been filled in there. Calling it again changes nothing.
 * @returns the names
 */
export function registerFusedKernels(): readonly string[] {
  for (const kernel of kernels) {
    const present = getKernel(kernel.name, "webgpu");
    if (present !== undefined && fused in present) continue;
    if (present !== undefined) unregisterKernel(kernel.name, "webgpu");
    registerKernel(configOf(kernel));
  }
  return kernels.map(({ name }) => name);
}
