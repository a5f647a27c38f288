import type { RgbImage } from "@imagine-opd/protocol";
import { axisWeights, weightBits } from "./axis-weights.ts";
import type { FilterKernel } from "./resize-filter.ts";

const half = 1 << (weightBits - 1);

/** The picture with its rows resampled to `width` pixels, rounded to bytes. */
export function resampleRows(image: RgbImage, width: number, kernel: FilterKernel): RgbImage {
  const { first, count, stride, weights } = axisWeights(image.width, width, kernel);
  const source = image.data;
  // Uint8ClampedArray clamps in native code; the values that reach it are integers already.
  const result = new Uint8ClampedArray(3 * width * image.height);
  let target = 0;
  for (let y = 0; y < image.height; y++) {
    const row = 3 * y * image.width;
    for (let x = 0; x < width; x++) {
      let red = half;
      let green = half;
      let blue = half;
      let from = row + 3 * first[x]!;
      const start = x * stride;
      const end = start + count[x]!;
      for (let k = start; k < end; k++) {
        const weight = weights[k]!;
        // Sums stay below 2^31; `imul` and `| 0` tell the engine so.
        red = (red + Math.imul(source[from]!, weight)) | 0;
        green = (green + Math.imul(source[from + 1]!, weight)) | 0;
        blue = (blue + Math.imul(source[from + 2]!, weight)) | 0;
        from += 3;
      }
      result[target] = red >> weightBits;
      result[target + 1] = green >> weightBits;
      result[target + 2] = blue >> weightBits;
      target += 3;
    }
  }
  return { width, height: image.height, data: new Uint8Array(result.buffer) };
}

/** The picture with its columns resampled to `height` pixels, rounded to bytes. */
export function resampleColumns(image: RgbImage, height: number, kernel: FilterKernel): RgbImage {
  const { first, count, stride, weights } = axisWeights(image.height, height, kernel);
  const source = image.data;
  const rowBytes = 3 * image.width;
  const result = new Uint8ClampedArray(rowBytes * height);
  // Row by row, so that memory is read in order.
  const sums = new Int32Array(rowBytes);
  for (let y = 0; y < height; y++) {
    sums.fill(half);
    const start = first[y]!;
    const end = start + count[y]!;
    let weight = y * stride;
    for (let row = start; row < end; row += rowsAtOnce, weight += rowsAtOnce) {
      if (row + rowsAtOnce <= end) addRows(sums, source, row * rowBytes, weights, weight);
      else for (let last = row, k = weight; last < end; last++, k++) addRow(sums, source, last * rowBytes, weights[k]!);
    }
    const target = y * rowBytes;
    for (let i = 0; i < rowBytes; i++) result[target + i] = sums[i]! >> weightBits;
  }
  return { width: image.width, height, data: new Uint8Array(result.buffer) };
}

const rowsAtOnce = 4;

/** Adds four rows of the source from `at` on, each times its weight: the sums are read and written once for all of them. */
function addRows(sums: Int32Array, source: Uint8Array, at: number, weights: Int32Array, from: number): void {
  const [a, b, c, d] = [weights[from]!, weights[from + 1]!, weights[from + 2]!, weights[from + 3]!];
  const [second, third, fourth] = [at + sums.length, at + 2 * sums.length, at + 3 * sums.length];
  for (let i = 0; i < sums.length; i++) {
    const front = (Math.imul(source[at + i]!, a) + Math.imul(source[second + i]!, b)) | 0;
    const back = (Math.imul(source[third + i]!, c) + Math.imul(source[fourth + i]!, d)) | 0;
    sums[i] = (sums[i]! + front + back) | 0;
  }
}

function addRow(sums: Int32Array, source: Uint8Array, at: number, weight: number): void {
  for (let i = 0; i < sums.length; i++) sums[i] = (sums[i]! + Math.imul(source[at + i]!, weight)) | 0;
}
