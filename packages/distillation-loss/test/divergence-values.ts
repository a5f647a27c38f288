import fc from "fast-check";
import { expect, test } from "vitest";
import { beta, check, evaluate, expectNear, kind, normalize, pair, temperature, topK } from "./divergence-cases.ts";
import { largestDifference } from "./evaluate-loss.ts";
import { divergenceOf, entropyOf, numericGradient, randomRows, sum, topKDivergenceOf } from "./reference.ts";

/** Values and gradients of every divergence: against float64, at their ends, at equal and at extreme logits. */
export function testDivergenceValues(): void {
  test("value and gradient are those of the float64 reference, on all ids and on every support", () =>
    check(
      [pair, kind, temperature, fc.option(topK)],
      async ({ student, teacher }, each, τ, support) => {
        const options = { divergence: each, temperature: τ, ...(support && { topK: support }) };
        const { gradient, tokens } = await evaluate(student, teacher, options);
        const lossOf = (z: readonly number[], i: number) =>
          support === null
            ? divergenceOf(z, teacher[i]!, each, τ)
            : topKDivergenceOf(z, teacher[i]!, each, support, τ, student[i]!);
        expectNear([[...tokens.values]], [student.map(lossOf)], 1e-5);
        const expected = student.map((row, i) => numericGradient((z) => lossOf(z, i) / 2, row));
        expectNear(gradient, expected, 1e-5);
      },
      60,
    ));

  test("equal distributions have value 0 and gradient 0, also up to an added constant", () =>
    check([pair, kind, temperature, fc.option(topK)], async ({ student }, each, τ, support) => {
      const options = { divergence: each, temperature: τ, ...(support && { topK: support }) };
      const moved = student.map((row) => row.map((z) => z + 4));
      for (const teacher of [student, moved]) {
        const { loss, gradient } = await evaluate(student, teacher, options);
        expect(Math.abs(loss)).toBeLessThan(5e-6);
        expectNear(
          gradient,
          student.map((row) => row.map(() => 0)),
          5e-6,
        );
      }
    }));

  test("never below 0; the jsd never above H(β), a clipped token never above its limit", () =>
    check(
      [pair, kind, fc.option(topK), fc.double({ min: 0.01, max: 1, noNaN: true })],
      async (both, each, support, limit) => {
        const { student, teacher } = both;
        const options = { divergence: each, ...(support && { topK: support }) };
        const { tokens } = await evaluate(student, teacher, options);
        const highest =
          each.kind === "jsd" && each.normalize === "none" ? entropyOf([each.beta, 1 - each.beta]) : Infinity;
        for (const value of tokens.values) {
          expect(value).toBeGreaterThan(-1e-5);
          expect(value).toBeLessThan(highest + 1e-6);
        }
        const clipped = await evaluate(student, teacher, { ...options, clip: { kind: "preserve-direction", limit } });
        for (const [i, value] of clipped.tokens.values.entries()) {
          expect(value).toBeCloseTo(Math.min(tokens.values[i]!, limit), 6);
          expect(clipped.tokens.unclippedValues![i]).toBe(tokens.values[i]);
        }
      },
    ));

  test("the gradient of a row sums to 0, and constants added to logits change nothing", () =>
    check([pair, kind, fc.option(topK), fc.integer({ min: -8, max: 8 })], async (both, each, support, constant) => {
      const { student, teacher } = both;
      const options = { divergence: each, ...(support && { topK: support }) };
      const plain = await evaluate(student, teacher, options);
      const shift = (rows: number[][], by: number) => rows.map((row) => row.map((z) => z + by));
      const shifted = await evaluate(shift(student, constant), shift(teacher, -2 * constant), options);
      const size = Math.max(1, ...plain.gradient.flat().map(Math.abs));
      for (const row of plain.gradient) expect(Math.abs(sum(row)) / size).toBeLessThan(2e-6);
      expectNear([[shifted.loss]], [[plain.loss]], 1e-5);
      expectNear(shifted.gradient, plain.gradient, 1e-5);
    }));

  test("jsd_β(S, T) = jsd_{1−β}(T, S), and the same for skew-jsd", () =>
    check(
      [pair, beta, normalize, fc.constantFrom("jsd" as const, "skew-jsd" as const)],
      async (both, b, scale, name) => {
        const { student, teacher } = both;
        const run = async (s: number[][], t: number[][], share: number) =>
          (await evaluate(s, t, { divergence: { kind: name, beta: share, normalize: scale } })).loss;
        expectNear([[await run(student, teacher, b)]], [[await run(teacher, student, 1 - b)]], 1e-5);
      },
    ));

  test("with end-point normalisation both families pass into the two KLs at the ends of β", async () => {
    const [student, teacher] = [randomRows(21, 1, 12), randomRows(22, 1, 12)];
    const near = 1e-3;
    for (const name of ["jsd", "skew-jsd"] as const)
      for (const [b, limit] of [
        [near, "forward-kl"],
        [1 - near, "reverse-kl"],
      ] as const) {
        const { loss, gradient } = await evaluate(student, teacher, {
          divergence: { kind: name, beta: b, normalize: "endpoint" },
        });
        const kl = await evaluate(student, teacher, { divergence: { kind: limit } });
        expect(loss / kl.loss).toBeCloseTo(1, 1);
        expect(largestDifference(gradient, kl.gradient)).toBeLessThan(0.02);
      }
  });

  test("dividing the logits by τ is the same as the option; scaling by τ² undoes it in the gradient", () =>
    check([pair, kind, temperature, fc.option(topK)], async ({ student, teacher }, each, τ, support) => {
      const options = { divergence: each, ...(support && { topK: support }) };
      const divided = (rows: number[][]) => rows.map((row) => row.map((z) => Math.fround(z / τ)));
      const byOption = await evaluate(student, teacher, { ...options, temperature: τ });
      const byHand = await evaluate(divided(student), divided(teacher), options);
      expectNear([[byOption.loss]], [[byHand.loss]], 1e-5);
      expectNear(
        byOption.gradient,
        byHand.gradient.map((row) => row.map((g) => g / τ)),
        2e-5,
      );
      const scaled = await evaluate(student, teacher, { ...options, temperature: τ, temperatureScaling: "squared" });
      expectNear([[scaled.loss]], [[byOption.loss * τ ** 2]], 1e-6);
      expectNear(
        scaled.gradient,
        byOption.gradient.map((row) => row.map((g) => g * τ ** 2)),
        1e-6,
      );
      expect([...scaled.tokens.values]).toEqual([...byOption.tokens.values]);
    }));

  test("finite at ±1e4, for one-hot models, a vocabulary of one and k above V", () =>
    check([kind, fc.option(topK), temperature], async (each, support, τ) => {
      const options = { divergence: each, temperature: τ, ...(support && { topK: support }) };
      const extremes: [number[][], number[][]][] = [
        [[[1e4, -1e4, 0]], [[-1e4, 1e4, 0]]],
        [[[0, 0, 0]], [[1e4, 0, -1e4]]],
        [[[1e4, 0, -1e4]], [[0, 0, 0]]],
        [[[5]], [[-3]]],
      ];
      for (const [student, teacher] of extremes) {
        const { loss, gradient } = await evaluate(student, teacher, options);
        expect(Number.isFinite(loss)).toBe(true);
        expect(gradient.flat().every(Number.isFinite)).toBe(true);
      }
    }));
}
