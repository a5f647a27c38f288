import { ImagineOpdError } from "@imagine-opd/protocol";
import { countBytes } from "./dtype.ts";
import { quote } from "./invalid-file.ts";
import type { StoredTensor } from "./tensor-file.ts";

const where = "safetensors.toFloat32";

/** BF16 is the upper half of F32. */
function widenBfloat16(halves: Uint16Array): Float32Array {
  const bits = new Uint32Array(halves.length);
  for (let i = 0; i < halves.length; i++) bits[i] = halves[i]! << 16;
  return new Float32Array(bits.buffer);
}

/** IEEE 754 binary16: 1 sign bit, 5 exponent bits (bias 15), 10 fraction bits. */
function widenFloat16(halves: Uint16Array): Float32Array {
  const floats = new Float32Array(halves.length);
  const bits = new Uint32Array(floats.buffer);
  for (let i = 0; i < halves.length; i++) {
    const half = halves[i]!;
    const sign = (half & 0x8000) << 16;
    const exponent = (half >> 10) & 31;
    const fraction = half & 0x3ff;
    if (exponent === 0) floats[i] = (sign === 0 ? fraction : -fraction) * 2 ** -24;
    else bits[i] = sign | ((exponent === 31 ? 255 : exponent + 112) << 23) | (fraction << 13);
  }
  return floats;
}

/**
 * The elements of an F32, F16 or BF16 tensor as a new array. Every value is exact.
 * @throws unsupported for another dtype; mismatch when the bytes do not fit the shape
 */
export function toFloat32({ name, dtype, shape, data }: StoredTensor): Float32Array {
  if (dtype !== "F32" && dtype !== "F16" && dtype !== "BF16") {
    throw new ImagineOpdError("unsupported", {
      where,
      problem: `tensor ${quote(name)} is ${dtype}; expected F32, F16 or BF16.`,
      details: { name, dtype },
    });
  }
  if (data.length !== countBytes(dtype, shape)) {
    throw new ImagineOpdError("mismatch", {
      where,
      problem: `tensor ${quote(name)} has ${data.length} bytes, which is not ${dtype} of shape [${shape.join(", ")}].`,
      details: { name, dtype, shape, bytes: data.length },
    });
  }
  // A copy, because a typed array may only begin at a multiple of its element size.
  const { buffer } = new Uint8Array(data);
  if (dtype === "F32") return new Float32Array(buffer);
  const halves = new Uint16Array(buffer);
  return dtype === "BF16" ? widenBfloat16(halves) : widenFloat16(halves);
}
