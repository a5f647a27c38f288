import * as tf from "@tensorflow/tfjs-core";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import {
  crossEntropy,
  type DistillationResult,
  divergence,
  policyGradient,
  type SampledReverseKlOptions,
  sampledReverseKl,
  truncatedImportanceWeights,
} from "../src/index.ts";
import { evaluateLoss, largestDifference } from "./evaluate-loss.ts";
import { divergenceOf, klOf, logSoftmax, numericGradient, randomRows, softmax, sum } from "./reference.ts";

const evaluate = (student: number[][], options: SampledReverseKlOptions) =>
  evaluateLoss(student, (x) => sampledReverseKl(x, options));

const temperature = fc.constantFrom(0.5, 1, 1.7);
const row = fc.array(
  fc.integer({ min: -4096, max: 4096 }).map((steps) => steps / 1024),
  { minLength: 6, maxLength: 6 },
);

/** Every token of the vocabulary as a row of its own, weighted by its probability: the loss is an exact expectation. */
function enumerate(student: number[], teacher: number[], τ: number) {
  return {
    rows: student.map(() => student),
    options: {
      tokens: Int32Array.from(student.keys()),
      teacherLogProbs: Float32Array.from(logSoftmax(teacher, τ)),
      tokenWeights: Float32Array.from(softmax(student, τ)),
      reduction: "sum",
      temperature: τ,
    } as const,
  };
}
const addRows = (rows: number[][]) => rows[0]!.map((_, v) => sum(rows.map((each) => each[v]!)));

/** What must hold of the losses on tokens on a backend. */
export function testTokenLossProperties(backend: string, useBackend: () => Promise<void>): void {
  describe(backend, () => {
    beforeAll(useBackend);

    test("in expectation the sampled form is the reverse KL, whatever constant the baseline is", async () => {
      const property = fc.asyncProperty(row, row, temperature, fc.integer({ min: -3, max: 3 }), async (s, t, τ, b) => {
        const { rows, options } = enumerate(s, t, τ);
        const baseline = new Float32Array(s.length).fill(b);
        const reverseKl = (z: number[]) => divergenceOf(z, t, { kind: "reverse-kl" }, τ);
        const plain = await evaluate(rows, options);
        const shifted = await evaluate(rows, { ...options, baseline });
        expect(plain.loss).toBeCloseTo(reverseKl(s), 4);
        expect(shifted.loss).toBeCloseTo(reverseKl(s) + b, 4);
        for (const { gradient } of [plain, shifted])
          expect(largestDifference([addRows(gradient)], [numericGradient(reverseKl, s)])).toBeLessThan(2e-5);
      });
      await fc.assert(property, { seed: 5, numRuns: 20 });
    });

    test("the advantage's mean as a baseline takes most of the gradient's variance", async () => {
      const [s, t] = [randomRows(1, 1, 9)[0]!, randomRows(2, 1, 9)[0]!];
      const { rows, options } = enumerate(s, t, 1);
      const p = softmax(s);
      const baseline = new Float32Array(9).fill(-klOf(p, softmax(t)));
      const varianceOf = async (more: { baseline?: Float32Array }) => {
        const { gradient } = await evaluate(rows, { ...options, ...more });
        const mean = addRows(gradient);
        // Rows are S_y times the gradient that sampling y would give.
        return sum(gradient.map((g, y) => sum(g.map((each, v) => p[y]! * (each / p[y]! - mean[v]!) ** 2))));
      };
      expect(await varianceOf({ baseline })).toBeLessThan((await varianceOf({})) * 0.9);
    });

    test("advantages beyond the clip count as the clip", async () => {
      const student = [[0, 0]];
      const run = (logProb: number, advantageClip: number, baseline = 0) =>
        evaluate(student, {
          tokens: Int32Array.of(0),
          teacherLogProbs: Float32Array.of(logProb),
          advantageClip,
          baseline: Float32Array.of(baseline),
        });
      // A = −3 − ln ½ = −2.3069
      const clipped = await run(-3, 2);
      expect(clipped.loss).toBeCloseTo(2, 6);
      expect(clipped.gradient[0]![0]).toBeCloseTo(1, 6);
      expect(clipped.tokens.clipFractions).toEqual({ advantage: 1 });
      const inside = await run(-3, 2, -1);
      expect(inside.loss).toBeCloseTo(3 + Math.log(0.5) - 1, 5);
      expect(inside.tokens.clipFractions).toEqual({ advantage: 0 });
    });

    test("truncated importance weights multiply value and gradient, are reported and change no value", async () => {
      const student = randomRows(3, 4, 6);
      const tokens = Int32Array.of(0, 5, 2, 2);
      const current = Float32Array.from(student, (z, i) => logSoftmax(z)[tokens[i]!]!);
      const samplingLogProbs = current.map((logProb, i) => Math.min(0, logProb - [0, 2, -0.5, 30][i]!));
      const expected = truncatedImportanceWeights(current, samplingLogProbs, { cap: 1.5 });
      const teacherLogProbs = Float32Array.of(-1, -2, -3, -4);
      const importance = { samplingLogProbs, cap: 1.5 };
      const losses: ((x: tf.Tensor2D, more: object) => DistillationResult)[] = [
        (x, more) => sampledReverseKl(x, { tokens, teacherLogProbs, ...more }),
        (x, more) => policyGradient(x, { tokens, advantages: teacherLogProbs, ...more }),
        (x, more) =>
          divergence(x, tf.tensor2d(randomRows(4, 4, 6)), { divergence: { kind: "forward-kl" }, tokens, ...more }),
      ];
      for (const loss of losses) {
        const plain = await evaluateLoss(student, (x) => loss(x, {}));
        const byHand = await evaluateLoss(student, (x) => loss(x, { tokenWeights: expected }));
        const weighted = await evaluateLoss(student, (x) => loss(x, { importance }));
        expect(weighted.loss).toBeCloseTo(byHand.loss, 5);
        expect(largestDifference(weighted.gradient, byHand.gradient)).toBeLessThan(2e-6);
        expect(largestDifference([[...weighted.tokens.importance!]], [[...expected]])).toBeLessThan(2e-6);
        expect(weighted.tokens.clipFractions).toEqual({ importance: 0.5 });
        expect([...weighted.tokens.values]).toEqual([...plain.tokens.values]);
        const factors = [...expected];
        expect(weighted.tokens.effectiveTokens).toBeCloseTo(sum(factors) ** 2 / sum(factors.map((w) => w * w)), 4);
      }
    });

    test("cross-entropy: value and gradient of the float64 reference", async () => {
      const property = fc.asyncProperty(row, temperature, fc.nat({ max: 5 }), async (z, τ, token) => {
        const { loss, gradient } = await evaluateLoss([z], (x) =>
          crossEntropy(x, { tokens: Int32Array.of(token), temperature: τ }),
        );
        expect(loss).toBeCloseTo(-logSoftmax(z, τ)[token]!, 4);
        const expected = numericGradient((moved) => -logSoftmax(moved, τ)[token]!, z);
        expect(largestDifference(gradient, [expected])).toBeLessThan(2e-6);
      });
      await fc.assert(property, { seed: 6, numRuns: 20 });
    });
  });
}
