import { ImagineOpdError } from "@imagine-opd/protocol";
import type { NamedTensorInfoMap, TensorInfo } from "@tensorflow/tfjs-core";

export const sizeOf = (shape: readonly number[]): number => shape.reduce((size, length) => size * length, 1);

/**
 * The inputs of a kernel that takes them by position. Compiled code trusts sizes, so they are checked here.
 * @throws unsupported when one is not float32
 */
export function floatInputs(kernel: string, inputs: NamedTensorInfoMap): TensorInfo[] {
  const list = Object.values(inputs) as TensorInfo[];
  const other = list.find(({ dtype }) => dtype !== "float32");
  if (other === undefined) return list;
  throw new ImagineOpdError("unsupported", {
    where: `backend-wasm.${kernel}`,
    problem: `only float32 is supported, got ${other.dtype}.`,
  });
}

/** @throws mismatch unless the tensor has exactly this shape */
export function requireShape(kernel: string, what: string, { shape }: TensorInfo, expected: readonly number[]): void {
  if (shape.length === expected.length && shape.every((length, axis) => length === expected[axis])) return;
  throw new ImagineOpdError("mismatch", {
    where: `backend-wasm.${kernel}`,
    problem: `${what} must have shape [${expected}], got [${shape}].`,
    details: { expected, got: shape },
  });
}
