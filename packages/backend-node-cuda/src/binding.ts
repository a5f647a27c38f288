import type { DataId, DataType, KernelBackend, Tensor, TensorInfo, TypedArray } from "@tensorflow/tfjs-core";

/** What the native addon exports, as far as it is used here. */
export interface Binding {
  /** Version of the TensorFlow library behind it. */
  readonly TF_Version: string;
  readonly TF_ATTR_TYPE: number;
  readonly TF_ATTR_INT: number;
  readonly TF_INT32: number;
  /** Whether ops run on a CUDA device. TensorFlow takes the CPU without a word where it finds none. */
  isUsingGpuDevice(): boolean;
}

/** An attribute of a TensorFlow op. */
export interface OpAttribute {
  readonly name: string;
  readonly type: number;
  readonly value: number;
}

/** What the kernels use of tfjs-node 4.22's backend class, most of it not in its public types. */
export interface TensorFlowBackend extends KernelBackend {
  readonly binding: Binding;
  /** `values` holds what has not been handed to TensorFlow yet. */
  readonly tensorMap: { get(dataId: DataId): { readonly values: TypedArray | null } };
  getDTypeInteger(dtype: DataType): number;
  executeSingleOutput(name: string, attributes: readonly OpAttribute[], inputs: readonly TensorInfo[]): Tensor;
}

/** `tensors` of `dtype`, as TensorFlow names it. */
export function typeAttribute(backend: TensorFlowBackend, name: string, dtype: DataType): OpAttribute {
  return { name, type: backend.binding.TF_ATTR_TYPE, value: backend.getDTypeInteger(dtype) };
}
