import { ImagineOpdError } from "@imagine-opd/protocol";

/** The largest finite number of binary16. */
const largest = 65504;

/** Bits of the smallest normal number, 2⁻¹⁴, as float32. */
const smallestNormal = 0x38800000;

/** From here on a double holds whole numbers only. */
const wholeFrom = 2 ** 52;

/** The binary16 that is nearest to a number of at most {@link largest}, ties to even. @param bits of the same number */
function roundToHalf(value: number, bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const magnitude = bits & 0x7fffffff;
  // Adding rounds to a whole number of 2⁻²⁴.
  if (magnitude < smallestNormal) return sign | (Math.abs(value) * 2 ** 24 + wholeFrom - wholeFrom);
  // The exponent is counted from another start; 13 bits of the fraction are rounded away.
  return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
}

/**
 * Numbers rounded to binary16, two in a word, the first in its lower half: what `unpack2x16float` of WGSL reads.
 * @param name of the tensor, for errors
 * @throws limit-exceeded when a number is beyond ±65504 or none at all
 */
export function packHalves(values: Float32Array, name: string): Int32Array {
  const words = new Int32Array(Math.ceil(values.length / 2));
  const halves = new Uint16Array(words.buffer);
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (!(Math.abs(value) <= largest)) refuseNumber(name, i, value);
    halves[i] = roundToHalf(value, bits[i]!);
  }
  return words;
}

function refuseNumber(name: string, index: number, value: number): never {
  throw new ImagineOpdError("limit-exceeded", {
    where: "backend-webgpu.storeHalf",
    problem: `number ${index} of ${name} is ${value}, and 16 bits hold numbers from -${largest} to ${largest}.`,
    remedy: "Store it in float32.",
    details: { name, index, value },
  });
}
