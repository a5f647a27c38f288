import * as tf from "@tensorflow/tfjs-core";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { type Divergence, type DivergenceOptions, divergence, divergenceThroughHead, type TopK } from "../src/index.ts";
import { createDenseHead } from "./dense-head.ts";
import { evaluateLoss, largestDifference } from "./evaluate-loss.ts";
import {
  bucketsOf,
  divergenceOf,
  divergenceTerms,
  entropyOf,
  numericGradient,
  randomRows,
  softmax,
  sum,
  supportOf,
  topKDivergenceOf,
} from "./reference.ts";

const beta = fc.double({ min: 0.02, max: 0.98, noNaN: true });
const normalize = fc.constantFrom("none" as const, "endpoint" as const);
const kind: fc.Arbitrary<Divergence> = fc.oneof(
  fc.constantFrom<Divergence>({ kind: "reverse-kl" }, { kind: "forward-kl" }),
  fc.record({ kind: fc.constantFrom("jsd" as const, "skew-jsd" as const), beta, normalize }),
);
const temperature = fc.constantFrom(0.5, 1, 1.7);
const topK: fc.Arbitrary<TopK> = fc.record({
  support: fc.constantFrom("student" as const, "teacher" as const, "union" as const),
  k: fc.integer({ min: 1, max: 8 }),
  mass: fc.constantFrom("tail" as const, "renormalise" as const),
});
// Multiples of 2^-10: adding a constant does not round them, and none is a denormal, which some backends flush to 0.
const logit = fc.integer({ min: -8192, max: 8192 }).map((steps) => steps / 1024);
/** Logits of both models for two tokens. */
const pair = fc.integer({ min: 2, max: 9 }).chain((size) => {
  const row = fc.array(logit, { minLength: size, maxLength: size });
  const rows = fc.tuple(row, row).map((both): number[][] => both);
  return fc.record({ student: rows, teacher: rows });
});

const evaluate = (student: number[][], teacher: number[][], options: DivergenceOptions) =>
  evaluateLoss(student, (x) => divergence(x, tf.tensor2d(teacher), options));

/** Relative where numbers are large, absolute where they are small. */
function expectNear(actual: number[][], expected: number[][], tolerance: number): void {
  const size = Math.max(1, ...expected.flat().map(Math.abs));
  expect(largestDifference(actual, expected) / size).toBeLessThan(tolerance);
}

function check<Values extends [unknown, ...unknown[]]>(
  arbitraries: { [K in keyof Values]: fc.Arbitrary<Values[K]> },
  property: (...values: Values) => Promise<void>,
  numRuns = 25,
): Promise<void> {
  return fc.assert(fc.asyncProperty(...arbitraries, property), { seed: 17, numRuns });
}

/** What must hold of every divergence on a backend. */
export function testDivergenceProperties(backend: string, useBackend: () => Promise<void>): void {
  describe(backend, () => {
    beforeAll(useBackend);

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

    test("banned ids are as if the vocabulary did not have them, on every support", () =>
      check([pair, kind, fc.option(topK)], async ({ student, teacher }, each, support) => {
        const options = { divergence: each, ...(support && { topK: support }) };
        const widen = (rows: number[][]) => rows.map((row) => [row[0]!, 9, ...row.slice(1)]);
        const small = await evaluate(student, teacher, options);
        const wide = await evaluate(widen(student), widen(teacher), { ...options, banned: Int32Array.of(1) });
        expectNear([[wide.loss]], [[small.loss]], 1e-6);
        expectNear(
          wide.gradient.map((row) => row.filter((_, v) => v !== 1)),
          small.gradient,
          1e-6,
        );
        expect(wide.gradient.every((row) => row[1] === 0)).toBe(true);
      }));

    test("masked rows never count, whatever they hold", () =>
      check(
        [pair, kind, fc.option(topK)],
        async ({ student, teacher }, each, support) => {
          const options = { divergence: each, ...(support && { topK: support }) };
          const alone = await evaluate([student[0]!], [teacher[0]!], options);
          const spoilt = [student[0]!, student[1]!.map((_, v) => [NaN, Infinity, -Infinity][v % 3]!)];
          const masked = await evaluate(spoilt, teacher, { ...options, tokenWeights: Float32Array.of(1, 0) });
          expect(masked.loss).toBe(alone.loss);
          expect(masked.gradient).toEqual([alone.gradient[0]!, student[1]!.map(() => 0)]);
          const empty = await evaluate(spoilt, teacher, { ...options, tokenWeights: Float32Array.of(0, 0) });
          expect([empty.loss, ...empty.gradient.flat()].every((x) => x === 0)).toBe(true);
        },
        20,
      ));

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

    test("the same call gives the same bits, and 50 steps leave nothing behind", async () => {
      const [student, teacher] = [tf.tensor2d(randomRows(1, 3, 9)), tf.tensor2d(randomRows(2, 3, 9))];
      const options: DivergenceOptions = {
        divergence: { kind: "skew-jsd", beta: 0.3, normalize: "endpoint" },
        topK: { support: "union", k: 3, mass: "tail" },
        clip: { kind: "preserve-direction", limit: 0.2 },
        tokens: Int32Array.of(1, 2, 3),
        importance: { samplingLogProbs: Float32Array.of(-1, -2, -3), cap: 2 },
        chunkRows: 2,
      };
      const before = tf.memory().numTensors;
      let first: Float32Array | undefined;
      for (let step = 0; step < 50; step++) {
        const { value, grad } = tf.valueAndGrad((x: tf.Tensor2D) => {
          const result = divergence(x, teacher, options);
          result.dispose();
          return result.loss;
        })(student);
        const bits = Float32Array.of(...(await value.data()), ...(await grad.data()));
        first ??= bits;
        expect(bits).toEqual(first);
        tf.dispose([value, grad]);
        expect(tf.memory().numTensors).toBe(before);
      }
      tf.dispose([student, teacher]);
    });

    test("through a head in slices of the vocabulary and chunks of rows: the same value and gradient", async () => {
      const [states, teacherStates, weight] = [randomRows(1, 5, 4), randomRows(2, 5, 4), randomRows(3, 13, 4)];
      const options: DivergenceOptions = {
        divergence: { kind: "jsd", beta: 0.4 },
        topK: { support: "union", k: 4, mass: "tail" },
        temperature: 1.7,
      };
      const evaluateInChunks = (chunks: { chunkRows?: number; chunkVocabulary?: number }) =>
        evaluateLoss(states, (x) =>
          divergenceThroughHead(x, {
            ...options,
            ...chunks,
            head: createDenseHead(tf.tensor2d(weight), "frozen"),
            trainable: {},
            teacher: { states: tf.tensor2d(teacherStates), weights: { kind: "student" } },
          }),
        );
      const whole = await evaluateInChunks({});
      for (const chunkVocabulary of [1, 3, 5, 12]) {
        const sliced = await evaluateInChunks({ chunkVocabulary, chunkRows: 2 });
        expectNear([[sliced.loss]], [[whole.loss]], 1e-6);
        expectNear(sliced.gradient, whole.gradient, 1e-6);
        expectNear([[...sliced.tokens.support!.overlap]], [[...whole.tokens.support!.overlap]], 1e-6);
        expect(sliced.tokens.disagreement).toEqual(whole.tokens.disagreement);
      }
    });

    test("what the student cannot produce outside of the support: infinite for the forward KL, right for the others", async () => {
      const [student, teacher] = [[[0, 1, -Infinity, -Infinity]], [[1, 0, 0.5, -1]]];
      const topK: TopK = { support: "student", k: 2, mass: "tail" };
      const run = (each: Divergence) => evaluate(student, teacher, { divergence: each, topK });
      await expect(run({ kind: "forward-kl" })).rejects.toThrow("the value at row 0 is infinite");
      for (const each of [
        { kind: "reverse-kl" },
        { kind: "jsd", beta: 0.3 },
        { kind: "skew-jsd", beta: 0.3 },
      ] as const) {
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

    test("disagreement, entropies and the effective number of tokens", async () => {
      const { tokens } = await evaluate(
        [
          [1, 0, 3],
          [2, 1, 0],
        ],
        [
          [1, 0, 3],
          [1, 2, 0],
        ],
        {
          divergence: { kind: "forward-kl" },
          tokenWeights: Float32Array.of(1, 3),
        },
      );
      expect([...tokens.disagreement!]).toEqual([0, 1]);
      expect(tokens.effectiveTokens).toBeCloseTo(16 / 10, 5);
      expect(tokens.teacherEntropy![1]).toBeCloseTo(entropyOf(softmax([1, 2, 0])), 6);
      expect(tokens.support).toBeUndefined();
    });
  });
}
