import { expect, test } from "vitest";
import { summarizeTokens } from "./index.ts";

test("two sequences by hand", () => {
  const summary = summarizeTokens(Float32Array.of(4, -2, 1, 1, 6), { lengths: Int32Array.of(4, 1) });
  expect(summary.tokenMean).toBe(2);
  expect(summary.sequenceMean).toBe((1 + 6) / 2);
  expect(summary.firstTokenMean).toBe(5);
  expect(summary.minimum).toBe(-2);
  expect(summary.maximum).toBe(6);
  // (2² + 4² + 1² + 1² + 4²) / 5
  expect(summary.standardDeviation).toBeCloseTo(Math.sqrt(38 / 5), 12);
  expect(summary.positiveShare).toBe(0.8);
  // The one largest of 5 tokens carries 6 of 14.
  expect(summary.topSignalShare).toBeCloseTo(6 / 14, 12);
  // Positions 0, 1, 2, 3 of 4 fall in tenths 0, 2, 5, 7; position 0 of 1 in tenth 0.
  expect(summary.decileMeans).toEqual([5, null, -2, null, null, 1, null, 1, null, null]);
});

test("the top 5 % of 40 tokens are two, by size whatever the sign", () => {
  const values = new Float32Array(40).fill(1);
  values[7] = -10;
  values[30] = 5;
  const summary = summarizeTokens(values, { lengths: Int32Array.of(40) });
  expect(summary.topSignalShare).toBeCloseTo(15 / 53, 12);
  // Tenths of 4 tokens each: −10 is in the second, 5 in the eighth.
  expect(summary.decileMeans).toEqual([1, -7 / 4, 1, 1, 1, 1, 1, 2, 1, 1]);
});

test("masked tokens and empty sequences are left out", () => {
  const summary = summarizeTokens(Float32Array.of(9, 1, 3, NaN), {
    lengths: Int32Array.of(2, 0, 2),
    tokenWeights: Float32Array.of(0, 1, 0.5, 0),
  });
  expect(summary.tokenMean).toBe(2);
  expect(summary.sequenceMean).toBe(2);
  expect(summary.firstTokenMean).toBe(3);
});

test("nothing to summarise gives null, not 0", () => {
  const summary = summarizeTokens(new Float32Array(0), { lengths: new Int32Array(0) });
  expect(summary.tokenMean).toBeNull();
  expect(summary.maximum).toBeNull();
  expect(summary.topSignalShare).toBeNull();
  expect(summary.decileMeans).toEqual(Array(10).fill(null));
  expect(summarizeTokens(Float32Array.of(0), { lengths: Int32Array.of(1) }).topSignalShare).toBeNull();
});

test("lengths that do not add up are refused", () => {
  expect(() => summarizeTokens(new Float32Array(3), { lengths: Int32Array.of(2) })).toThrow(
    "distillation-loss.summarizeTokens: lengths must add up to the 3 values, got 2.",
  );
  expect(() =>
    summarizeTokens(new Float32Array(1), { lengths: Int32Array.of(1), tokenWeights: new Float32Array(2) }),
  ).toThrow("tokenWeights must have one entry for each of the 1 values, got 2.");
});
