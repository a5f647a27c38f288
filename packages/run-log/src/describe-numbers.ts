import { ImagineOpdError } from "@imagine-opd/protocol";

/** What {@link describeNumbers} says, in the unit of the numbers. */
export interface NumberSummary {
  readonly mean: number;
  readonly min: number;
  readonly max: number;
  /** Population standard deviation. */
  readonly std: number;
}

/**
 * Mean, extremes and population standard deviation, summed in float64 in two passes. A NaN makes all four NaN.
 * @throws invalid-argument without numbers: they have no mean
 */
export function describeNumbers(values: ArrayLike<number>): NumberSummary {
  const count = values.length;
  if (count === 0) {
    throw new ImagineOpdError("invalid-argument", {
      where: "run-log.describeNumbers",
      problem: "expected at least one number, got none.",
      remedy: "Leave the metric out of this step.",
    });
  }
  let [sum, min, max] = [0, Infinity, -Infinity];
  for (let i = 0; i < count; i++) {
    sum += values[i]!;
    min = Math.min(min, values[i]!);
    max = Math.max(max, values[i]!);
  }
  const mean = sum / count;
  let squares = 0;
  for (let i = 0; i < count; i++) squares += (values[i]! - mean) ** 2;
  return { mean, min, max, std: Math.sqrt(squares / count) };
}
