import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import type { KernelFunc, TensorInfo } from "@tensorflow/tfjs-core";
import { requireKernel } from "../kernels/require-kernel.ts";

/** One call of a kernel, with its inputs in order. */
export interface KernelCall {
  readonly backend: WebGPUBackend;
  readonly inputs: readonly TensorInfo[];
  readonly attrs: Readonly<Record<string, unknown>>;
  /** The kernel itself, for inputs and attributes that it can take. */
  readonly run: (inputs: readonly TensorInfo[], attrs?: Readonly<Record<string, unknown>>) => TensorInfo;
}

/** How a kernel computes what a shader does not see at once; `undefined` where it computes as ever. */
export type LargeForm = (call: KernelCall) => TensorInfo | undefined;

/** Runs another kernel, in its large form where that is needed. */
export function runKernel(
  backend: WebGPUBackend,
  name: string,
  inputs: Readonly<Record<string, TensorInfo>> | readonly TensorInfo[],
  attrs: Readonly<Record<string, unknown>> = {},
): TensorInfo {
  const { kernelFunc } = requireKernel(name, "largeTensors");
  return kernelFunc({ inputs, attrs, backend } as unknown as Parameters<KernelFunc>[0]) as TensorInfo;
}
