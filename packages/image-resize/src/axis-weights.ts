import type { FilterKernel } from "./resize-filter.ts";

/** Bits behind the binary point of a weight: 32 less 8 for the sample and 2 for the overshoot of negative lobes. */
export const weightBits = 22;

/** How each output sample of one axis is put together from neighbouring input samples. */
export interface AxisWeights {
  /** `[length]` first input sample of each output sample. */
  readonly first: Int32Array;
  /** `[length]` number of input samples of each output sample. */
  readonly count: Int32Array;
  /** Weights of output sample `i` start at `i * stride`. */
  readonly stride: number;
  /** `[length * stride]` fixed-point weights, `2^22` stands for one. */
  readonly weights: Int32Array;
}

/** Pillow's rounding of a weight: half away from zero. */
function toFixedPoint(weight: number): number {
  const scaled = weight * (1 << weightBits);
  return Math.trunc(weight < 0 ? scaled - 0.5 : scaled + 0.5);
}

/**
 * Weights that take `from` samples to `to` samples with the kernel `f` of support `s`. With `r = from / to`,
 * `φ = max(r, 1)` and the centre `c = (i + ½) r`, output `i` reads the inputs within `s φ` of `c` with weights
 * `f((j - c + ½) / φ)`, normalised to sum one (Pillow, `precompute_coeffs` and `normalize_coeffs_8bpc`).
 */
export function axisWeights(from: number, to: number, kernel: FilterKernel): AxisWeights {
  const ratio = from / to;
  const stretch = Math.max(ratio, 1);
  const inverseStretch = 1 / stretch;
  const reach = kernel.support * stretch;
  const stride = Math.ceil(reach) * 2 + 1;
  const first = new Int32Array(to);
  const count = new Int32Array(to);
  const weights = new Int32Array(to * stride);
  const exact = new Float64Array(stride);
  for (let i = 0; i < to; i++) {
    const centre = (i + 0.5) * ratio;
    const start = Math.max(0, Math.trunc(centre - reach + 0.5));
    const end = Math.min(from, Math.trunc(centre + reach + 0.5));
    let sum = 0;
    for (let j = start; j < end; j++) {
      const weight = kernel.weight((j - centre + 0.5) * inverseStretch);
      exact[j - start] = weight;
      sum += weight;
    }
    for (let k = 0; k < end - start; k++) {
      weights[i * stride + k] = toFixedPoint(sum === 0 ? exact[k]! : exact[k]! / sum);
    }
    first[i] = start;
    count[i] = end - start;
  }
  return { first, count, stride, weights };
}
