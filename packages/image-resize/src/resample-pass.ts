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
        red += source[from]! * weight;
        green += source[from + 1]! * weight;
        blue += source[from + 2]! * weight;
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
    for (let k = 0; k < count[y]!; k++) {
      const weight = weights[y * stride + k]!;
      const row = (first[y]! + k) * rowBytes;
      for (let i = 0; i < rowBytes; i++) sums[i] = sums[i]! + source[row + i]! * weight;
    }
    const target = y * rowBytes;
    for (let i = 0; i < rowBytes; i++) result[target + i] = sums[i]! >> weightBits;
  }
  return { width: image.width, height, data: new Uint8Array(result.buffer) };
}
