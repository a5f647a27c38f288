import { randomStream } from "@imagine-opd/random-streams";
import fc from "fast-check";
import { expect, test } from "vitest";
import { keepLeading } from "./keep-leading.ts";

/** The definition, by a full sort. */
function keepPlainly(scores: Float64Array, weights: Float64Array, amount: "count" | "mass", target: number) {
  const order = [...weights.keys()].filter((id) => weights[id]! > 0);
  order.sort((a, b) => scores[b]! - scores[a]! || a - b);
  const kept = new Float64Array(weights.length);
  let reached = 0;
  for (const id of order) {
    if (reached >= target) break;
    kept[id] = weights[id]!;
    reached += amount === "count" ? 1 : weights[id]!;
  }
  return kept;
}

// Weights are multiples of 1/8, so that sums are exact in any order.
const entries = fc.array(
  fc.record({
    score: fc.oneof(fc.integer({ min: -3, max: 3 }), fc.double({ min: -60, max: 2, noNaN: true })),
    eighths: fc.nat(8),
  }),
  { minLength: 1, maxLength: 400 },
);

test("it keeps what a full sort keeps", () => {
  fc.assert(
    fc.property(entries, fc.constantFrom("count" as const, "mass" as const), fc.nat(300), (row, amount, eighths) => {
      const scores = Float64Array.from(row, ({ score }) => score);
      const weights = Float64Array.from(row, (entry) => entry.eighths / 8);
      const target = amount === "count" ? eighths : eighths / 8;
      const expected = keepPlainly(scores, weights, amount, target);
      keepLeading(scores, weights, amount, target, new Int32Array(row.length));
      expect(weights).toEqual(expected);
    }),
    { numRuns: 400 },
  );
});

test("one far score does not hide the order of the others", () => {
  const stream = randomStream(3, "scores");
  const scores = Float64Array.from({ length: 5000 }, (_, i) => (i === 7 ? 1e6 : stream.normal()));
  const weights = new Float64Array(5000).fill(1);
  const expected = keepPlainly(scores, weights, "count", 900);
  keepLeading(scores, weights, "count", 900, new Int32Array(5000));
  expect(weights).toEqual(expected);
});

test("scores whose range is too small to divide are sorted", () => {
  const scores = Float64Array.from({ length: 100 }, (_, i) => i * Number.MIN_VALUE);
  const weights = new Float64Array(100).fill(1);
  keepLeading(scores, weights, "count", 10, new Int32Array(100));
  expect([weights.indexOf(1), weights.reduce((a, b) => a + b)]).toEqual([90, 10]);
});

test("among equal scores the lower ids stay", () => {
  const weights = new Float64Array(200).fill(1);
  keepLeading(new Float32Array(200), weights, "count", 70, new Int32Array(200));
  expect(weights.indexOf(0)).toBe(70);
  expect(weights.lastIndexOf(1)).toBe(69);
});
