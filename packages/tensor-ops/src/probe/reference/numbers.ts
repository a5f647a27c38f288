/** Float64 numbers of one array, row-major. The reference computations of the probe are plain TypeScript on these. */
export type Numbers = Float64Array;

/** A differentiable input of a probe case. */
export interface ProbeInput {
  readonly shape: readonly number[];
  /** Float32 values, so that the reference and the backend start from the same numbers. */
  readonly values: Numbers;
}

export function input(shape: readonly number[], values: ArrayLike<number>): ProbeInput {
  return { shape, values: Float64Array.from(values, Math.fround) };
}

/** Repeatable numbers in about [−1, 1] without a pattern that a wrong order would keep. */
export function waves(shape: readonly number[], phase = 0): ProbeInput {
  const length = shape.reduce((product, side) => product * side, 1);
  return input(
    shape,
    Array.from({ length }, (_, i) => Math.sin(phase + 1.3 * i) * Math.cos(0.7 * i + phase)),
  );
}

/** Numbers from `low` to `high`, for logarithms, roots and quotients. */
export function between(shape: readonly number[], low: number, high: number): ProbeInput {
  const { values } = waves(shape, 2);
  return input(
    shape,
    values.map((value) => low + ((value + 1) / 2) * (high - low)),
  );
}

/** One number for each place of `a` and, repeated as often as needed, of `b`. */
export function zip(a: Numbers, b: Numbers, f: (a: number, b: number) => number): Numbers {
  return a.map((value, i) => f(value, b[i % b.length]!));
}

/** Applies a function to each row of `width` numbers. */
export function mapRows(x: Numbers, width: number, f: (row: Numbers, index: number) => ArrayLike<number>): Numbers {
  const rows = Array.from({ length: x.length / width }, (_, i) => f(x.subarray(i * width, (i + 1) * width), i));
  return Float64Array.from(rows.flatMap((row) => Array.from(row)));
}

export function sum(x: Numbers): number {
  return x.reduce((total, value) => total + value, 0);
}
