import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import type { TensorInfo } from "@tensorflow/tfjs-core";

/** A kernel that takes over a name of `tensor-ops`. */
export interface FusedKernel {
  readonly name: string;
  /** Inputs come by position, as float32 tensors; new tensors of the result are the caller's. */
  readonly run: (
    backend: WebGPUBackend,
    inputs: readonly TensorInfo[],
    attributes: Readonly<Record<string, unknown>>,
  ) => TensorInfo | TensorInfo[];
}
