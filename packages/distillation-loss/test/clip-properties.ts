import fc from "fast-check";
import { expect, test } from "vitest";
import type { TopK } from "../src/index.ts";
import { check, evaluate, expectNear, kind, pair, topK } from "./divergence-cases.ts";
import { bucketsOf, divergenceTerms, numericGradient, softmax, sum, supportOf } from "./reference.ts";

/** Bounds on tokens and on single ids. */
export function testClips(): void {
  test("a clip that keeps the direction only shortens the gradient; the other kind has none above its limit", () =>
    check(
      [pair, kind, fc.option(topK), fc.double({ min: 0.05, max: 0.5, noNaN: true })],
      async (both, each, support, limit) => {
        const { student, teacher } = both;
        const options = { divergence: each, ...(support && { topK: support }) };
        const plain = await evaluate(student, teacher, options);
        const kept = await evaluate(student, teacher, { ...options, clip: { kind: "preserve-direction", limit } });
        const gone = await evaluate(student, teacher, { ...options, clip: { kind: "zero-gradient", limit } });
        for (const [i, value] of plain.tokens.values.entries()) {
          const factor = value > limit ? limit / value : 1;
          expectNear([kept.gradient[i]!], [plain.gradient[i]!.map((g) => g * factor)], 1e-6);
          expectNear([gone.gradient[i]!], [plain.gradient[i]!.map((g) => (value > limit ? 0 : g))], 1e-6);
        }
        const share = plain.tokens.values.filter((value) => value > limit).length / 2;
        for (const { tokens } of [kept, gone]) expect(tokens.clipFractions).toEqual({ divergence: share });
      },
    ));

  test("clipped per vocabulary entry: the reference's value and the gradient of the terms that are left", () =>
    check(
      [pair, kind, fc.option(fc.integer({ min: 1, max: 6 })), fc.double({ min: 0.01, max: 0.3, noNaN: true })],
      async (both, each, k, limit) => {
        const { student, teacher } = both;
        const support: TopK | undefined = k === null ? undefined : { support: "teacher", k, mass: "renormalise" };
        const topKOption = support && { topK: { ...support, mass: "renormalise" as const } };
        const { tokens, gradient } = await evaluate(student, teacher, {
          divergence: each,
          ...topKOption,
          clip: { kind: "vocabulary-entry", limit },
        });
        const termsOf = (z: readonly number[], i: number) => {
          const ids = support && supportOf(student[i]!, teacher[i]!, support);
          const seen = (logits: readonly number[]) =>
            ids === undefined ? softmax(logits) : bucketsOf(softmax(logits), ids, "renormalise");
          return divergenceTerms(seen(z), seen(teacher[i]!), each);
        };
        const cuts = student.map((row, i) => termsOf(row, i).map((term) => term > limit));
        // A term at its limit has no derivative.
        fc.pre(student.every((row, i) => termsOf(row, i).every((term) => Math.abs(term - limit) > 1e-4)));
        const values = student.map((row, i) => sum(termsOf(row, i).map((term) => Math.min(term, limit))));
        expectNear([[...tokens.values]], [values], 1e-5);
        const expected = student.map((row, i) =>
          numericGradient((z) => sum(termsOf(z, i).filter((_, v) => !cuts[i]![v])) / 2, row),
        );
        expectNear(gradient, expected, 1e-5);
        expect(tokens.clipFractions!.divergence).toBe(cuts.filter((flags) => flags.includes(true)).length / 2);
      },
    ));

  test("clipped per vocabulary entry the sum can be below 0", async () => {
    const { loss } = await evaluate([[2, 0]], [[0, 0]], {
      divergence: { kind: "reverse-kl" },
      clip: { kind: "vocabulary-entry", limit: 0.05 },
    });
    // S = (0.8808, 0.1192) against ½: terms 0.4987 and −0.1709.
    expect(loss).toBeCloseTo(0.05 - 0.170911, 5);
  });
}
