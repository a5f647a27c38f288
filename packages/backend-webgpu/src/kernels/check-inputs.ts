import { ImagineOpdError } from "@imagine-opd/protocol";
import type { TensorInfo } from "@tensorflow/tfjs-core";

export const sizeOf = (shape: readonly number[]): number => shape.reduce((size, length) => size * length, 1);

/** Shaders read whatever stands at an address, so dtypes and shapes are checked here. */
export function refuseMismatch(kernel: string, problem: string): never {
  throw new ImagineOpdError("mismatch", { where: `backend-webgpu.${kernel}`, problem });
}

/** @throws unsupported when one is not float32 */
export function requireFloats(kernel: string, inputs: readonly TensorInfo[]): void {
  const other = inputs.find(({ dtype }) => dtype !== "float32");
  if (other === undefined) return;
  throw new ImagineOpdError("unsupported", {
    where: `backend-webgpu.${kernel}`,
    problem: `only float32 is supported, got ${other.dtype}.`,
  });
}

/** @throws mismatch unless the tensor has exactly this shape */
export function requireShape(kernel: string, what: string, { shape }: TensorInfo, expected: readonly number[]): void {
  if (shape.length === expected.length && shape.every((length, axis) => length === expected[axis])) return;
  refuseMismatch(kernel, `${what} must have shape [${expected}], got [${shape}].`);
}
