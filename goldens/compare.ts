import { expect } from "vitest";

/** Largest absolute difference. */
export function largestDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length);
  let largest = 0;
  for (let i = 0; i < actual.length; i++) {
    const difference = Math.abs(actual[i]! - expected[i]!);
    if (!(difference <= largest)) largest = difference; // NaN must show
  }
  return largest;
}

/** Euclidean norm in float64. */
export function norm(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]! ** 2;
  return Math.sqrt(sum);
}

/** The goldens' rule for gradients: 1e-4 relative (1e-3 on a GPU), and 1e-6 absolute where the norm is below 1e-4. */
export function expectGradient(
  name: string,
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance = 1e-4,
): void {
  const size = norm(expected);
  const error = norm(Array.from(actual, (value, i) => value - expected[i]!));
  if (size < 1e-4) expect(error, `${name} (absolute)`).toBeLessThan(1e-6);
  else expect(error / size, `${name} (relative)`).toBeLessThan(tolerance);
}

/** The same rule for the norm of a gradient. */
export function expectGradientNorm(name: string, actual: number, expected: number, tolerance = 1e-4): void {
  if (expected < 1e-4) expect(Math.abs(actual - expected), `${name} (absolute)`).toBeLessThan(1e-6);
  else expect(Math.abs(actual - expected) / expected, `${name} (relative)`).toBeLessThan(tolerance);
}
