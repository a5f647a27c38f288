import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { evaluateLoss, largestDifference } from "../test/evaluate-loss.ts";
import { logSoftmax, randomRows, sum } from "../test/reference.ts";
import { type CrossEntropyOptions, crossEntropy, type RowOptions } from "./index.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

const lengths = Int32Array.of(3, 0, 1, 2);
const logits = randomRows(1, 6, 5);
const tokens = Int32Array.of(0, 1, 2, 3, 4, 0);
const values = logits.map((row, i) => -logSoftmax(row)[tokens[i]!]!);
const [a, b, c, d, e, f] = values as [number, number, number, number, number, number];
const evaluate = (options: RowOptions) => evaluateLoss(logits, (x) => crossEntropy(x, { tokens, ...options }));

test("each reduction by hand, for sequences of 3, 0, 1 and 2 tokens", async () => {
  const lossOf = async (options: RowOptions) => (await evaluate(options)).loss;
  expect(await lossOf({})).toBeCloseTo(sum(values) / 6, 6);
  expect(await lossOf({ reduction: "token-mean", normalizer: 20 })).toBeCloseTo(sum(values) / 20, 6);
  expect(await lossOf({ reduction: "sum" })).toBeCloseTo(sum(values), 5);
  const sequenceSum = (a + b + c) / 3 + d + (e + f) / 2;
  expect(await lossOf({ reduction: "sequence-mean", lengths })).toBeCloseTo(sequenceSum / 4, 6);
  expect(await lossOf({ reduction: "sequence-mean", lengths, normalizer: 8 })).toBeCloseTo(sequenceSum / 8, 6);
  const constant = { reduction: "constant-length", lengths, constantLength: 10 } as const;
  expect(await lossOf(constant)).toBeCloseTo(sum(values) / 40, 6);
  expect(await lossOf({ ...constant, normalizer: 8 })).toBeCloseTo(sum(values) / 80, 6);
});

test("weights and masks within them: a mean divides by the tokens that count, not by their weights", async () => {
  const tokenWeights = Float32Array.of(2, 0, 1, 0, 0.5, 1);
  const weighted = (2 * a + c) / 2 + (0.5 * e + f) / 2;
  const mean = await evaluate({ reduction: "sequence-mean", lengths, tokenWeights });
  expect(mean.loss).toBeCloseTo(weighted / 4, 6);
  expect(mean.gradient[1]).toEqual([0, 0, 0, 0, 0]);
});

test("the first tokens of each sequence are left out and masked", async () => {
  const { loss, tokens: report } = await evaluate({ skipFirst: 1, lengths });
  expect(loss).toBeCloseTo((b + c + f) / 3, 6);
  expect(report.counts).toMatchObject({ tokens: 3, masked: 3 });
  expect([...report.values].map((value) => value === 0)).toEqual([true, false, false, true, true, false]);
  const mean = await evaluate({ skipFirst: 2, reduction: "sequence-mean", lengths });
  expect(mean.loss).toBeCloseTo(c / 4, 6);
  expect((await evaluate({ skipFirst: 9, lengths })).loss).toBe(0);
});

test("micro-batches with the batch's normalizer add up to the batch, however it is split", async () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 2, maxLength: 5 });
  const name = fc.constantFrom(
    "token-mean" as const,
    "sequence-mean" as const,
    "constant-length" as const,
    "sum" as const,
  );
  const property = fc.asyncProperty(
    sizes,
    name,
    fc.nat(),
    fc.nat({ max: 1 }),
    async (sequences, reduction, cut, skip) => {
      const rows = randomRows(sequences.length, sum(sequences), 4);
      fc.pre(rows.length > 0);
      const kept = sequences.map((size) => Math.max(0, size - skip));
      const run = (from: number, to: number) => {
        const own = Int32Array.from(sequences.slice(from, to));
        const start = sum(sequences.slice(0, from));
        const part = rows.slice(start, start + sum([...own]));
        if (part.length === 0) return { loss: 0, gradient: [] };
        const shared = { tokens: new Int32Array(part.length), skipFirst: skip, lengths: own };
        const options: CrossEntropyOptions =
          reduction === "sum"
            ? { ...shared, reduction }
            : reduction === "token-mean"
              ? { ...shared, normalizer: Math.max(1, sum(kept)) }
              : reduction === "sequence-mean"
                ? { ...shared, reduction, normalizer: sequences.length }
                : { ...shared, reduction, normalizer: sequences.length, constantLength: 7 };
        return evaluateLoss(part, (x) => crossEntropy(x, options));
      };
      const at = cut % (sequences.length + 1);
      const [whole, first, second] = [
        await run(0, sequences.length),
        await run(0, at),
        await run(at, sequences.length),
      ];
      expect(first.loss + second.loss).toBeCloseTo(whole.loss, 5);
      expect(largestDifference([...first.gradient, ...second.gradient], whole.gradient)).toBeLessThan(1e-6);
    },
  );
  await fc.assert(property, { seed: 8, numRuns: 60 });
});

describe("refuses", () => {
  test.each([
    [{ reduction: "sequence-mean" }, "lengths are needed to tell the sequences apart."],
    [{ reduction: "sequence-mean", lengths: Int32Array.of(5) }, "lengths must add up to the 6 rows, got 5."],
    [{ reduction: "constant-length", lengths, constantLength: 0 }, "constantLength must be finite and above 0, got 0."],
    [{ reduction: "sum", normalizer: 3 }, 'reduction "sum" divides by nothing and takes no normalizer.'],
    [{ reduction: "mean" }, 'reduction must be "token-mean", "sequence-mean", "constant-length" or "sum", got "mean".'],
    [{ skipFirst: 0.5, lengths }, "skipFirst must be a whole number of tokens, got 0.5."],
    [{ skipFirst: 1 }, "lengths are needed to tell the sequences apart."],
  ])("%j", (options, message) => {
    const run = () => crossEntropy(tf.zeros([6, 5]), { tokens, ...options } as CrossEntropyOptions);
    expect(run).toThrow(`distillation-loss.crossEntropy: ${message}`);
  });
});
