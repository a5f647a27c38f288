/** F32 → BF16, to the nearest, ties to even; NaN becomes the quiet NaN 0x7FC0, as in PyTorch. */
function roundToBfloat16(values: Float32Array): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const halves = new Uint16Array(values.length);
  for (let i = 0; i < bits.length; i++) {
    const value = bits[i]!;
    const notANumber = (value & 0x7fffffff) > 0x7f800000;
    halves[i] = notANumber ? 0x7fc0 : (value + 0x7fff + ((value >>> 16) & 1)) >>> 16;
  }
  return halves;
}

/**
 * The bytes of float values in a storage type, as a new array: F32 as they are, BF16 rounded to the nearest (ties to even).
 */
export function encodeFloat32(values: Float32Array, dtype: "F32" | "BF16"): Uint8Array {
  if (dtype === "BF16") return new Uint8Array(roundToBfloat16(values).buffer);
  return new Uint8Array(values.slice().buffer);
}
