import type { TensorInfo } from "@tensorflow/tfjs-core";
import { multiplyByHalves } from "../half-storage/half-product.ts";
import { isHalf } from "../half-storage/half-tensors.ts";
import { requireShape, sizeOf } from "./check-inputs.ts";
import type { FusedKernel } from "./fused-kernel.ts";
import { requireKernel } from "./require-kernel.ts";

/** `x · weightᵀ + bias`: of a weight in 32 bits in one of tfjs's own tiled products, which adds the bias where it writes. */
export const linearKernel: FusedKernel = {
  name: "OpdLinear",
  run: (backend, [x, weight, bias]) => {
    const depth = x!.shape.at(-1)!;
    const columns = weight!.shape[0]!;
    requireShape("OpdLinear", "the weight", weight!, [columns, depth]);
    if (bias !== undefined) requireShape("OpdLinear", "the bias", bias, [columns]);
    const a = { ...x!, shape: [sizeOf(x!.shape) / depth, depth] };
    const shape = [...x!.shape.slice(0, -1), columns];
    if (isHalf(backend, weight!)) {
      return { ...multiplyByHalves(backend, { x: a, weight: weight!, transposed: true, bias }), shape };
    }
    const inputs = bias === undefined ? { a, b: weight! } : { a, b: weight!, bias };
    const attrs = { transposeA: false, transposeB: true, ...(bias !== undefined && { activation: "linear" }) };
    const product = requireKernel(bias === undefined ? "BatchMatMul" : "_FusedMatMul", "OpdLinear");
    const out = product.kernelFunc({ inputs, attrs, backend }) as TensorInfo;
    return { ...out, shape };
  },
};
