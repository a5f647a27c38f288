import * as tf from "@tensorflow/tfjs-core";
import fc from "fast-check";
import { expect } from "vitest";
import { type Divergence, type DivergenceOptions, divergence, type TopK } from "../src/index.ts";
import { evaluateLoss, largestDifference } from "./evaluate-loss.ts";

export const beta = fc.double({ min: 0.02, max: 0.98, noNaN: true });
export const normalize = fc.constantFrom("none" as const, "endpoint" as const);
export const kind: fc.Arbitrary<Divergence> = fc.oneof(
  fc.constantFrom<Divergence>({ kind: "reverse-kl" }, { kind: "forward-kl" }),
  fc.record({ kind: fc.constantFrom("jsd" as const, "skew-jsd" as const), beta, normalize }),
);
export const temperature = fc.constantFrom(0.5, 1, 1.7);
export const topK: fc.Arbitrary<TopK> = fc.record({
  support: fc.constantFrom("student" as const, "teacher" as const, "union" as const),
  k: fc.integer({ min: 1, max: 8 }),
  mass: fc.constantFrom("tail" as const, "renormalise" as const),
});
// Multiples of 2^-10: adding a constant does not round them, and none is a denormal, which some backends flush to 0.
const logit = fc.integer({ min: -8192, max: 8192 }).map((steps) => steps / 1024);
/** Logits of both models for two tokens. */
export const pair = fc.integer({ min: 2, max: 9 }).chain((size) => {
  const row = fc.array(logit, { minLength: size, maxLength: size });
  const rows = fc.tuple(row, row).map((both): number[][] => both);
  return fc.record({ student: rows, teacher: rows });
});

export const evaluate = (student: number[][], teacher: number[][], options: DivergenceOptions) =>
  evaluateLoss(student, (x) => divergence(x, tf.tensor2d(teacher), options));

/** Relative where numbers are large, absolute where they are small. */
export function expectNear(actual: number[][], expected: number[][], tolerance: number): void {
  const size = Math.max(1, ...expected.flat().map(Math.abs));
  expect(largestDifference(actual, expected) / size).toBeLessThan(tolerance);
}

export function check<Values extends [unknown, ...unknown[]]>(
  arbitraries: { [K in keyof Values]: fc.Arbitrary<Values[K]> },
  property: (...values: Values) => Promise<void>,
  numRuns = 25,
): Promise<void> {
  return fc.assert(fc.asyncProperty(...arbitraries, property), { seed: 17, numRuns });
}
