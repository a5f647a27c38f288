import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { prefixWeights, truncatedImportanceWeights, viewContrastWeights } from "./index.ts";

describe("prefix weights of IW-OPD", () => {
  test("two sequences by hand: w = 1 + γ (1 − earlier disagreement / all disagreement)", () => {
    const weights = prefixWeights(Float32Array.of(1, -2, 1, 0, 0), { lengths: Int32Array.of(3, 2), gamma: 0.5 });
    // Earlier shares 0, ¼, ¾; and of a sequence without disagreement always 0.
    expect([...weights]).toEqual([1.5, 1.375, 1.125, 1.5, 1.5]);
  });

  test("within [1, 1 + γ], the first of each sequence 1 + γ, never rising along a sequence", () => {
    const ratios = fc.array(fc.float({ min: -30, max: 30, noNaN: true }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(
        fc.array(ratios, { maxLength: 4 }),
        fc.double({ min: 0, max: 2, noNaN: true }),
        (sequences, gamma) => {
          const lengths = Int32Array.from(sequences, (sequence) => sequence.length);
          const weights = prefixWeights(Float32Array.from(sequences.flat()), { lengths, gamma });
          let row = 0;
          for (const length of lengths) {
            const own = [...weights.subarray(row, row + length)];
            expect(own[0]).toBeCloseTo(1 + gamma, 6);
            expect(own).toEqual([...own].sort((a, b) => b - a));
            for (const weight of own) {
              expect(weight).toBeGreaterThanOrEqual(1);
              expect(weight).toBeLessThanOrEqual(Math.fround(1 + gamma));
            }
            row += length;
          }
        },
      ),
      { seed: 3 },
    );
  });

  test("refuses lengths that do not add up", () => {
    expect(() => prefixWeights(new Float32Array(3), { lengths: Int32Array.of(2) })).toThrow(
      "distillation-loss.prefixWeights: lengths must add up to the 3 rows, got 2.",
    );
  });
});

describe("view contrast weights of V-Zero", () => {
  test("a group of two by hand, and one whose sequences score alike", () => {
    const right = Float32Array.of(-1, -1, -3, -1, -1, -1);
    const wrong = Float32Array.of(-2, -2, -1, -1, -2, -2);
    // Evidence (1, 1 | −2, 0) has scores 1 and −1, z = ±1; (1 | 1) has z = 0.
    const weights = viewContrastWeights(right, wrong, { lengths: Int32Array.of(2, 2, 1, 1), groupSize: 2 });
    expect([...weights]).toEqual([1.5, 1.5, 0.5, 0.5, 1, 1]);
    const gamma = viewContrastWeights(right.slice(0, 4), wrong.slice(0, 4), {
      lengths: Int32Array.of(2, 2),
      groupSize: 2,
      strength: 3,
    });
    expect([...gamma]).toEqual([2, 2, 0, 0]);
  });

  test("tokens of weight 0 do not count, a sequence of nothing else is not compared", () => {
    // Evidence (1 | −1, 8 left out | −9 left out) has scores 1 and −1; the second group's one sequence stands alone.
    const wrong = Float32Array.of(-1, 1, -8, 9, -3, 5, 5);
    const lengths = Int32Array.of(1, 2, 1, 1, 1, 1);
    const tokenWeights = Float32Array.of(0.5, 1, 0, 0, 1, 0, 0);
    const weights = viewContrastWeights(new Float32Array(7), wrong, { lengths, groupSize: 3, tokenWeights });
    expect([...weights]).toEqual([1.5, 0.5, 0.5, 1, 1, 1, 1]);
    const short = { lengths, groupSize: 3, tokenWeights: new Float32Array(6) };
    expect(() => viewContrastWeights(new Float32Array(7), wrong, short)).toThrow(
      "distillation-loss.viewContrastWeights: tokenWeights must have one entry for each of the 7 rows, got 6.",
    );
  });

  test("within [0, limit], with a mean of 1 where nothing is cut off", () => {
    const scores = fc.array(fc.float({ min: -9, max: 9, noNaN: true }), { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(scores, (evidence) => {
        const options = { lengths: new Int32Array(4).fill(1), groupSize: 4 };
        const weights = viewContrastWeights(Float32Array.from(evidence), new Float32Array(4), options);
        expect(Math.min(...weights)).toBeGreaterThanOrEqual(0);
        expect(Math.max(...weights)).toBeLessThanOrEqual(2);
        // Of four numbers none is further than √3 standard deviations from their mean.
        expect(weights.reduce((a, b) => a + b) / 4).toBeCloseTo(1, 6);
      }),
      { seed: 4 },
    );
  });

  test("refuses groups that do not come out even", () => {
    const run = () =>
      viewContrastWeights(new Float32Array(3), new Float32Array(3), { lengths: Int32Array.of(1, 1, 1), groupSize: 2 });
    expect(run).toThrow("distillation-loss.viewContrastWeights: groups of 2 must divide the 3 sequences.");
  });
});

test("truncated importance weights by hand, finite whatever the log-probs", () => {
  const weights = truncatedImportanceWeights(
    Float32Array.of(-1, -1, -1, 0, -900),
    Float32Array.of(-1, -2, -0.5, -900, 0),
    { cap: 2 },
  );
  expect(weights[0]).toBe(1);
  expect(weights[1]).toBe(2);
  expect(weights[2]).toBeCloseTo(Math.exp(-0.5), 6);
  expect(weights[3]).toBe(2);
  expect(weights[4]! / Math.exp(-20)).toBeCloseTo(1, 5);
  expect(() => truncatedImportanceWeights(new Float32Array(1), new Float32Array(2), { cap: 2 })).toThrow(
    "both must score the same tokens, got 1 and 2 log-probs.",
  );
});
