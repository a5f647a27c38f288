import fc from "fast-check";
import { expect, test } from "vitest";
import type { Divergence, TopK } from "../src/index.ts";
import { check, evaluate, expectNear, kind, pair, temperature, topK } from "./divergence-cases.ts";
import { numericGradient, softmax, sum, supportOf, topKDivergenceOf } from "./reference.ts";

/** What a top-k support sees, and what becomes of the rest. */
export function testSupports(): void {
  test("a tail divergence is at most the full one and grows with nested supports; k ≥ V is the full one", () =>
    check(
      [pair, kind, fc.constantFrom("student" as const, "teacher" as const, "union" as const)],
      async (both, each, support) => {
        const { student, teacher } = both;
        const full = await evaluate(student, teacher, { divergence: each });
        const size = student[0]!.length;
        let before = [-1e-5, -1e-5];
        for (let k = 1; k <= size + 2; k++) {
          const { tokens, gradient } = await evaluate(student, teacher, {
            divergence: each,
            topK: { support, k, mass: "tail" },
          });
          for (const [i, value] of tokens.values.entries()) {
            const slack = 1e-5 * Math.max(1, full.tokens.values[i]!);
            expect(value).toBeGreaterThan(before[i]! - slack);
            expect(value).toBeLessThan(full.tokens.values[i]! + slack);
          }
          before = [...tokens.values];
          if (k >= size) expectNear(gradient, full.gradient, 1e-5);
        }
        const renormalised = await evaluate(student, teacher, {
          divergence: each,
          topK: { support, k: size + 5, mass: "renormalise" },
        });
        expectNear([[...renormalised.tokens.values]], [[...full.tokens.values]], 1e-5);
        expectNear(renormalised.gradient, full.gradient, 1e-5);
      },
      20,
    ));

  test("outside of the support the gradient is exactly 0 (renormalise) or in proportion to S (tail)", () =>
    check([pair, kind, topK], async ({ student, teacher }, each, support) => {
      const { gradient } = await evaluate(student, teacher, { divergence: each, topK: support });
      for (const [i, row] of student.entries()) {
        const ids = supportOf(row, teacher[i]!, support);
        const outside = row.map((_, v) => v).filter((v) => !ids.has(v));
        if (support.mass === "renormalise") for (const v of outside) expect(Math.abs(gradient[i]![v]!)).toBe(0);
        else {
          const S = softmax(row);
          const total = sum(outside.map((v) => gradient[i]![v]!));
          const mass = sum(outside.map((v) => S[v]!));
          for (const v of outside) expect(gradient[i]![v]!).toBeCloseTo((total * S[v]!) / mass, 5);
        }
      }
    }));

  test("the report of a support: masses, tails and overlap; ties go to the lower id", () =>
    check([pair, topK, temperature], async ({ student, teacher }, support, τ) => {
      const rounded = (rows: number[][]) => rows.map((row) => row.map((z) => Math.round(z / 3)));
      const [s, t] = [rounded(student), rounded(teacher)];
      const { tokens } = await evaluate(s, t, {
        divergence: { kind: "jsd", beta: 0.5 },
        topK: support,
        temperature: τ,
      });
      for (const [i, row] of s.entries()) {
        const ids = supportOf(row, t[i]!, support);
        const massOf = (logits: number[]) => sum(softmax(logits, τ).filter((_, v) => ids.has(v)));
        expect(tokens.support!.studentMass[i]).toBeCloseTo(massOf(row), 5);
        expect(tokens.support!.teacherMass[i]).toBeCloseTo(massOf(t[i]!), 5);
        expect(tokens.support!.studentTailMass[i]).toBeCloseTo(1 - massOf(row), 5);
        expect(tokens.support!.teacherTailMass[i]).toBeCloseTo(1 - massOf(t[i]!), 5);
        const own = supportOf(row, t[i]!, { ...support, support: "student" });
        const others = supportOf(row, t[i]!, { ...support, support: "teacher" });
        const shared = [...own].filter((id) => others.has(id)).length;
        expect(tokens.support!.overlap[i]).toBeCloseTo(shared / own.size, 6);
      }
    }));

  test("a tail far below the last digit of 1 is exact and has a gradient", async () => {
    const [student, teacher] = [[[30, 29, 0, -1]], [[30, 29, -2, 1]]];
    const run = { divergence: { kind: "forward-kl" }, topK: { support: "teacher", k: 2, mass: "tail" } } as const;
    const { tokens } = await evaluate(student, teacher, run);
    const tail = sum(softmax(student[0]!).slice(2));
    expect(tail).toBeLessThan(1e-12);
    expect(tokens.support!.studentTailMass[0]! / tail).toBeCloseTo(1, 5);
    const far = await evaluate([[0, -1, -9, -9]], [[0, -1, -30, -30]], run);
    expect(far.gradient[0]![2]!).toBeGreaterThan(1e-5);
  });

  test("what the student cannot produce outside of the support: infinite for the forward KL, right for the others", async () => {
    const [student, teacher] = [[[0, 1, -Infinity, -Infinity]], [[1, 0, 0.5, -1]]];
    const topK: TopK = { support: "student", k: 2, mass: "tail" };
    const run = (each: Divergence) => evaluate(student, teacher, { divergence: each, topK });
    await expect(run({ kind: "forward-kl" })).rejects.toThrow("the value at row 0 is infinite");
    for (const each of [{ kind: "reverse-kl" }, { kind: "jsd", beta: 0.3 }, { kind: "skew-jsd", beta: 0.3 }] as const) {
      const { loss, gradient } = await run(each);
      const possible = [[0, 1, -90, -90]];
      expect(loss).toBeCloseTo(topKDivergenceOf(possible[0]!, teacher[0]!, each, topK), 5);
      const expected = numericGradient((z) => topKDivergenceOf(z, teacher[0]!, each, topK), possible[0]!);
      expectNear(gradient, [expected], 1e-5);
    }
  });

  test("a row whose support is impossible for one model adds nothing and is counted", async () => {
    const { loss, gradient, tokens } = await evaluate(
      [
        [0, 3, 1],
        [2, 0, 0],
      ],
      [
        [0, -Infinity, 1],
        [0, 0, 1],
      ],
      {
        divergence: { kind: "reverse-kl" },
        topK: { support: "student", k: 1, mass: "renormalise" },
      },
    );
    expect(Math.abs(loss)).toBeLessThan(1e-6);
    expect(gradient[0]!.map(Math.abs)).toEqual([0, 0, 0]);
    expect(tokens.counts).toMatchObject({ tokens: 2, empty: 1 });
  });
}
