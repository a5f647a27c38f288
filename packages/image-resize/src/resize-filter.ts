/** Pillow's resampling filters by name. */
export type ResizeFilter = "bilinear" | "bicubic" | "lanczos";

/** A filter kernel: its weight at distance `x` (in samples of the coarser grid) and the distance beyond which it is zero. */
export interface FilterKernel {
  readonly support: number;
  weight(x: number): number;
}

/** Triangle: `1 - |x|`. */
function bilinearWeight(x: number): number {
  const distance = Math.abs(x);
  return distance < 1 ? 1 - distance : 0;
}

/** Keys' cubic convolution with `a = -1/2`. */
function bicubicWeight(x: number): number {
  const a = -0.5;
  const distance = Math.abs(x);
  if (distance < 1) return ((a + 2) * distance - (a + 3)) * distance * distance + 1;
  if (distance < 2) return (((distance - 5) * distance + 8) * distance - 4) * a;
  return 0;
}

function sinc(x: number): number {
  if (x === 0) return 1;
  const angle = x * Math.PI;
  return Math.sin(angle) / angle;
}

/** `sinc(x) · sinc(x / 3)`. The interval is half-open, as in Pillow. */
function lanczosWeight(x: number): number {
  return x >= -3 && x < 3 ? sinc(x) * sinc(x / 3) : 0;
}

export const filterKernels: Readonly<Record<ResizeFilter, FilterKernel>> = {
  bilinear: { support: 1, weight: bilinearWeight },
  bicubic: { support: 2, weight: bicubicWeight },
  lanczos: { support: 3, weight: lanczosWeight },
};
