import { getKernel, type KernelFunc, registerKernel, unregisterKernel } from "@tensorflow/tfjs-core";
import { gather } from "./gather-kernel.ts";
import { multinomial } from "./multinomial-kernel.ts";

const kernels: Readonly<Record<string, KernelFunc>> = { GatherV2: gather, Multinomial: multinomial };

/** Puts our kernels before tfjs-node's and says which. */
export function installKernels(): Readonly<Record<string, "ours">> {
  const backendName = "tensorflow";
  for (const [kernelName, kernelFunc] of Object.entries(kernels)) {
    if (getKernel(kernelName, backendName) !== undefined) unregisterKernel(kernelName, backendName);
    registerKernel({ kernelName, backendName, kernelFunc });
  }
  return Object.fromEntries(Object.keys(kernels).map((name) => [name, "ours" as const]));
}
