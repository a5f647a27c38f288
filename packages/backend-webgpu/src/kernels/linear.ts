import { getKernel, type TensorInfo } from "@tensorflow/tfjs-core";
import { requireShape, sizeOf } from "./check-inputs.ts";
import type { FusedKernel } from "./fused-kernel.ts";

/** `x · weightᵀ + bias` in one of tfjs's own tiled products, which adds the bias where it writes. */
export const linearKernel: FusedKernel = {
  name: "OpdLinear",
  run: (backend, [x, weight, bias]) => {
    const depth = x!.shape.at(-1)!;
    const columns = weight!.shape[0]!;
    requireShape("OpdLinear", "the weight", weight!, [columns, depth]);
    if (bias !== undefined) requireShape("OpdLinear", "the bias", bias, [columns]);
    const a = { ...x!, shape: [sizeOf(x!.shape) / depth, depth] };
    const inputs = bias === undefined ? { a, b: weight! } : { a, b: weight!, bias };
    const attrs = { transposeA: false, transposeB: true, ...(bias !== undefined && { activation: "linear" }) };
    const product = getKernel(bias === undefined ? "BatchMatMul" : "_FusedMatMul", "webgpu");
    const out = product.kernelFunc({ inputs, attrs, backend }) as TensorInfo;
    return { ...out, shape: [...x!.shape.slice(0, -1), columns] };
  },
};
