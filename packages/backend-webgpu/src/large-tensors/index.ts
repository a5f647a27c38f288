import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import {
  getKernel,
  type KernelConfig,
  type KernelFunc,
  registerKernel,
  type TensorInfo,
  unregisterKernel,
} from "@tensorflow/tfjs-core";
import { halfMatrixProduct, halfSlice } from "../half-storage/half-forms.ts";
import { gatherRows } from "./gather-rows.ts";
import type { LargeForm } from "./large-form.ts";
import { matrixProduct } from "./matrix-product.ts";
import { alongRows, concat, elementwise, fill, pad, reduction, slice } from "./row-forms.ts";

const elementwiseKernels = [
  ...["Abs", "Cast", "ClipByValue", "Exp", "Log", "LogicalNot", "Neg", "OnesLike", "Reciprocal", "Relu", "Rsqrt"],
  ...["Sigmoid", "Sqrt", "Square", "Step", "Tanh", "ZerosLike"],
  ...["Add", "AddN", "Maximum", "Minimum", "Multiply", "Pow", "RealDiv", "SquaredDifference", "Sub"],
  ...["Equal", "Greater", "GreaterEqual", "Less", "LessEqual", "LogicalAnd", "LogicalOr", "NotEqual", "Select"],
];

const firstOf =
  (first: LargeForm, second: LargeForm): LargeForm =>
  (call) =>
    first(call) ?? second(call);

/** Kernels of tfjs that take tensors which no shader sees at once, and some of those in 16 bits as they are. */
const largeForms: Readonly<Record<string, LargeForm>> = {
  ...Object.fromEntries(elementwiseKernels.map((name) => [name, elementwise])),
  Sum: reduction,
  Max: reduction,
  Min: reduction,
  Softmax: alongRows,
  ArgMax: alongRows,
  Fill: fill,
  Slice: firstOf(halfSlice, slice),
  Concat: concat,
  PadV2: pad,
  GatherV2: gatherRows,
  BatchMatMul: firstOf(halfMatrixProduct, matrixProduct),
};

/** Marks kernels that were wrapped here. A shared symbol, so that copies of this package agree. */
const wrapped = Symbol.for("@imagine-opd/backend-webgpu/large");

function wrapKernel(own: KernelConfig, form: LargeForm): KernelConfig {
  const kernelFunc: KernelFunc = (parameters) => {
    const { inputs, attrs, backend } = parameters as unknown as {
      readonly inputs: Readonly<Record<string, TensorInfo>> | readonly TensorInfo[];
      readonly attrs: Readonly<Record<string, unknown>> | undefined;
      readonly backend: WebGPUBackend;
    };
    const names = Object.keys(inputs);
    const run = (parts: readonly TensorInfo[], changed = attrs): TensorInfo => {
      const named = Array.isArray(inputs) ? parts : Object.fromEntries(names.map((name, i) => [name, parts[i]]));
      return own.kernelFunc({ inputs: named, attrs: changed, backend } as unknown as typeof parameters) as TensorInfo;
    };
    const result = form({ backend, inputs: Object.values(inputs), attrs: attrs ?? {}, run });
    return result ?? own.kernelFunc(parameters);
  };
  return { ...own, kernelFunc, [wrapped]: true } as KernelConfig;
}

/**
 * Lets kernels of tfjs's WebGPU backend take tensors beyond what a shader sees at once, block by block; for all others they
 * run as ever. Calling it again changes nothing.
 */
export function registerLargeForms(): void {
  for (const [name, form] of Object.entries(largeForms)) {
    const own = getKernel(name, "webgpu");
    if (own === undefined || wrapped in own) continue;
    unregisterKernel(name, "webgpu");
    registerKernel(wrapKernel(own, form));
  }
}
