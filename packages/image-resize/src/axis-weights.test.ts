import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { axisWeights } from "./axis-weights.ts";
import { filterKernels } from "./resize-filter.ts";

const one = 1 << 22;

describe("axisWeights", () => {
  it("halves four samples with triangles of twice the width", () => {
    // Output 0 has its centre at 1 and reads inputs 0, 1, 2 at distances 0.25, 0.25, 0.75 of the stretched triangle.
    const { first, count, stride, weights } = axisWeights(4, 2, filterKernels.bilinear);
    expect([...first]).toEqual([0, 1]);
    expect([...count]).toEqual([3, 3]);
    expect(stride).toBe(5);
    const sum = 0.75 + 0.75 + 0.25;
    const long = Math.round((0.75 / sum) * one);
    const short = Math.round((0.25 / sum) * one);
    expect([...weights]).toEqual([long, long, short, 0, 0, short, long, long, 0, 0]);
  });

  it("rounds negative weights away from zero", () => {
    // Enlarging 4 to 8 with the cubic: output 3 lies a quarter sample left of input 2's centre.
    const { first, weights, stride } = axisWeights(4, 8, filterKernels.bicubic);
    expect(first[3]).toBe(0);
    const w = (x: number): number => filterKernels.bicubic.weight(x);
    const exact = [w(-1.25), w(-0.25), w(0.75), w(1.75)];
    expect(exact.reduce((a, b) => a + b)).toBeCloseTo(1, 15);
    expect([...weights.subarray(3 * stride, 3 * stride + 4)]).toEqual(
      exact.map((x) => Math.sign(x) * Math.round(Math.abs(x) * one)),
    );
    expect(weights[3 * stride]).toBeLessThan(0);
  });

  it("gives weights that sum to one up to their rounding, from inside the input only", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: 1, max: 300 }),
        fc.constantFrom(...Object.values(filterKernels)),
        (from, to, kernel) => {
          const { first, count, stride, weights } = axisWeights(from, to, kernel);
          for (let i = 0; i < to; i++) {
            expect(count[i]!).toBeGreaterThan(0);
            expect(count[i]!).toBeLessThanOrEqual(stride);
            expect(first[i]! + count[i]!).toBeLessThanOrEqual(from);
            const sum = weights.subarray(i * stride, i * stride + count[i]!).reduce((a, b) => a + b, 0);
            expect(Math.abs(sum - one)).toBeLessThanOrEqual(count[i]! / 2);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});
