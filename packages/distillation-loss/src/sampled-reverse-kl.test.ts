import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import { evaluateLoss, largestDifference } from "../test/evaluate-loss.ts";
import { divergenceOf, logSoftmax, numericGradient, randomRows, softmax } from "../test/reference.ts";
import {
  crossEntropy,
  type PolicyGradientOptions,
  policyGradient,
  type SampledReverseKlOptions,
  sampledReverseKl,
} from "./index.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

const evaluate = (student: number[][], options: SampledReverseKlOptions) =>
  evaluateLoss(student, (x) => sampledReverseKl(x, options));

/** Every token of the vocabulary as one row each, so that weights S_y turn the loss into an exact expectation. */
function enumerate(student: number[], teacher: number[], temperature: number) {
  const vocabulary = student.map((_, v) => v);
  return {
    rows: vocabulary.map(() => student),
    options: {
      tokens: Int32Array.from(vocabulary),
      teacherLogProbs: Float32Array.from(logSoftmax(teacher, temperature)),
      tokenWeights: Float32Array.from(softmax(student, temperature)),
      normalizer: 1,
      temperature,
    },
  };
}
const sumRows = (rows: number[][]) => rows[0]!.map((_, v) => rows.reduce((sum, row) => sum + row[v]!, 0));

test.each([0.5, 1, 1.7])(
  "over all tokens, expected value and gradient are those of the reverse KL at τ = %d",
  async (temperature) => {
    for (const seed of [1, 2, 3]) {
      const [student, teacher] = [randomRows(seed, 1, 9)[0]!, randomRows(seed + 50, 1, 9)[0]!];
      const { rows, options } = enumerate(student, teacher, temperature);
      const { loss, gradient } = await evaluate(rows, options);
      const reverseKl = (z: number[]) => divergenceOf(z, teacher, { kind: "reverse-kl" }, temperature);
      expect(loss).toBeCloseTo(reverseKl(student), 5);
      expect(largestDifference([sumRows(gradient)], [numericGradient(reverseKl, student)])).toBeLessThan(2e-6);
    }
  },
);

test("value, gradient and report of one row, by hand", async () => {
  // S = (1/4, 3/4), y = 1, T(y) = 1/2: k1 = ln ¾ − ln ½ = ln 3/2.
  const { loss, gradient, tokens } = await evaluate([[0, Math.log(3)]], {
    tokens: Int32Array.of(1),
    teacherLogProbs: Float32Array.of(Math.log(0.5)),
  });
  const k1 = Math.log(1.5);
  expect(loss).toBeCloseTo(k1, 6);
  expect(gradient[0]![0]).toBeCloseTo(-k1 / 4, 6);
  expect(gradient[0]![1]).toBeCloseTo(k1 / 4, 6);
  expect(tokens.values[0]).toBeCloseTo(k1, 6);
  expect(tokens.logRatio![0]).toBeCloseTo(k1, 6);
  expect(tokens.studentLogProbs![0]).toBeCloseTo(Math.log(0.75), 6);
  expect(tokens.teacherLogProbs![0]).toBeCloseTo(Math.log(0.5), 6);
  expect(tokens.studentEntropy[0]).toBeCloseTo(0.562335, 6);
  expect(tokens.teacherEntropy).toBeUndefined();
  expect(tokens.ratio![0]).toBe(1);
});

describe("importance ratio", () => {
  const student = randomRows(11, 6, 5);
  const tokens = Int32Array.of(0, 1, 2, 3, 4, 0);
  const current = student.map((row, i) => logSoftmax(row)[tokens[i]!]!);
  const clip = { low: 0.2, high: 0.3, dual: 3 };

  test("at ρ = 1 clipping is inert, and ratio form, given advantages and plain REINFORCE agree", async () => {
    const teacherLogProbs = Float32Array.from(current, (logProb, i) => Math.min(0, logProb + (i - 2.5) / 2));
    const advantages = teacherLogProbs.map((logProb, i) => logProb - current[i]!);
    const plain = await evaluate(student, { tokens, teacherLogProbs });
    const onPolicy = { samplingLogProbs: Float32Array.from(current), clip };
    const clipped = await evaluate(student, { tokens, teacherLogProbs, ...onPolicy });
    const given = await evaluateLoss(student, (x) => policyGradient(x, { tokens, advantages }));
    const reinforce = student.map((row, i) =>
      softmax(row).map((p, v) => (-advantages[i]! * (Number(v === tokens[i]) - p)) / 6),
    );
    const k1 = advantages.reduce((sum, advantage) => sum - advantage, 0) / 6;
    for (const each of [plain, clipped, given]) {
      expect(each.loss).toBeCloseTo(k1, 6);
      expect(largestDifference(each.gradient, reinforce)).toBeLessThan(1e-6);
    }
    expect(clipped.tokens.clipFractions).toEqual({ ratio: 0, dual: 0 });
  });

  test("clipped as in PPO: value and gradient agree with finite differences of the definition", async () => {
    // Rows: ρ above, below and inside the bounds for a positive advantage, then for a negative one far above.
    const ratios = [1.5, 0.5, 1.1, 0.5, 2, 5];
    const advantages = Float32Array.of(1, 1, 1, -2, -2, -2);
    const samplingLogProbs = Float32Array.from(current, (logProb, i) => Math.min(0, logProb - Math.log(ratios[i]!)));
    const lossOfRow = (i: number) => (z: number[]) => {
      const rho = Math.exp(logSoftmax(z)[tokens[i]!]! - samplingLogProbs[i]!);
      const A = advantages[i]!;
      const value = Math.max(-A * rho, -A * Math.min(Math.max(rho, 0.8), 1.3));
      return (A < 0 ? Math.min(value, -3 * A) : value) / 6;
    };
    const options: PolicyGradientOptions = { tokens, advantages, samplingLogProbs, clip };
    const { loss, gradient, tokens: report } = await evaluateLoss(student, (x) => policyGradient(x, options));
    expect(loss).toBeCloseTo(
      student.reduce((sum, row, i) => sum + lossOfRow(i)(row), 0),
      5,
    );
    const expected = student.map((row, i) => numericGradient(lossOfRow(i), row));
    expect(largestDifference(gradient, expected)).toBeLessThan(2e-6);
    const actual = student.map((row, i) => Math.exp(logSoftmax(row)[tokens[i]!]! - samplingLogProbs[i]!));
    expect(largestDifference([[...report.ratio!]], [actual])).toBeLessThan(1e-5);
    const flags = actual.map((rho, i) => {
      const A = advantages[i]!;
      return A < 0 && rho > 3 ? "dual" : (A > 0 && rho > 1.3) || (A < 0 && rho < 0.8) ? "ratio" : "none";
    });
    expect(new Set(flags)).toEqual(new Set(["dual", "ratio", "none"]));
    const share = (flag: string) => flags.filter((each) => each === flag).length / 6;
    expect(report.clipFractions).toEqual({ ratio: share("ratio"), dual: share("dual") });
  });

  test("beyond e^20 the ratio stays and gives no gradient", async () => {
    const { loss, gradient } = await evaluateLoss([[0, 0]], (x) =>
      policyGradient(x, {
        tokens: Int32Array.of(0),
        advantages: Float32Array.of(-1),
        samplingLogProbs: Float32Array.of(-30),
      }),
    );
    expect(loss / Math.exp(20)).toBeCloseTo(1, 5);
    expect(gradient[0]!.map(Math.abs)).toEqual([0, 0]);
  });
});

test("cross-entropy: value, gradient and report against the reference", async () => {
  const student = randomRows(21, 3, 6);
  const tokens = Int32Array.of(3, 0, 5);
  for (const temperature of [0.5, 1, 1.7]) {
    const {
      loss,
      gradient,
      tokens: report,
    } = await evaluateLoss(student, (x) => crossEntropy(x, { tokens, temperature }));
    const lossOfRow = (i: number) => (z: number[]) => -logSoftmax(z, temperature)[tokens[i]!]! / 3;
    const expected = student.map((row, i) => numericGradient(lossOfRow(i), row));
    expect(loss).toBeCloseTo(
      student.reduce((sum, row, i) => sum + lossOfRow(i)(row), 0),
      5,
    );
    expect(largestDifference(gradient, expected)).toBeLessThan(1e-6);
    expect(report.values[1]).toBeCloseTo(-report.studentLogProbs![1]!, 6);
    expect(report.teacherLogProbs).toBeUndefined();
  }
});

test("masked rows may hold anything, banned ids are gone, chunks change nothing", async () => {
  const student = randomRows(31, 4, 5);
  const options = {
    tokens: Int32Array.of(0, 1, 3, 4),
    teacherLogProbs: Float32Array.of(-1, -2, -0.5, -3),
    tokenWeights: Float32Array.of(1, 0, 1, 1),
    banned: Int32Array.of(2),
  };
  const clean = await evaluate(student, options);
  const dirty = await evaluate(
    student.map((row, i) => (i === 1 ? row.map(() => NaN) : row)),
    {
      ...options,
      tokens: Int32Array.of(0, -1, 3, 4),
      teacherLogProbs: Float32Array.of(-1, NaN, -0.5, -3),
      chunkRows: 2,
    },
  );
  expect(dirty.loss).toBeCloseTo(clean.loss, 6);
  expect(largestDifference(dirty.gradient, clean.gradient)).toBeLessThan(1e-7);
  expect(clean.gradient[1]).toEqual([0, 0, 0, 0, 0]);
  const without = student.map((row) => row.filter((_, v) => v !== 2));
  const small = await evaluate(without, { ...options, tokens: Int32Array.of(0, 1, 2, 3), banned: new Int32Array(0) });
  expect(clean.loss).toBeCloseTo(small.loss, 6);
  expect(
    largestDifference(
      clean.gradient.map((row) => row.filter((_, v) => v !== 2)),
      small.gradient,
    ),
  ).toBeLessThan(1e-7);
});

test("stays finite at logits of ±1e4", async () => {
  const { loss, gradient } = await evaluate([[1e4, -1e4, 0]], {
    tokens: Int32Array.of(1),
    teacherLogProbs: Float32Array.of(-1),
  });
  expect(loss).toBe(-20000 + 1);
  expect(gradient.flat().every(Number.isFinite)).toBe(true);
});

test("50 steps leave nothing behind", async () => {
  const student = tf.tensor2d(randomRows(41, 3, 5));
  const before = tf.memory().numTensors;
  const options = {
    tokens: Int32Array.of(0, 1, 3),
    teacherLogProbs: Float32Array.of(-1, -2, -0.5),
    samplingLogProbs: Float32Array.of(-1, -1, -1),
    clip: { low: 0.2, high: 0.3, dual: 3 },
  };
  for (let step = 0; step < 50; step++) {
    let result!: ReturnType<typeof sampledReverseKl>;
    const gradient = tf.grad((x) => {
      result = sampledReverseKl(x as tf.Tensor2D, options);
      return result.loss;
    })(student);
    result.dispose();
    gradient.dispose();
    expect(tf.memory().numTensors).toBe(before);
  }
  student.dispose();
});

test("refuses what is not log-probs, not finite, of the wrong length, or a senseless clip", () => {
  const run = (options: Partial<SampledReverseKlOptions>) => () =>
    sampledReverseKl(tf.zeros([2, 3]), {
      tokens: Int32Array.of(0, 1),
      teacherLogProbs: Float32Array.of(-1, -1),
      ...options,
    } as SampledReverseKlOptions);
  expect(run({ teacherLogProbs: Float32Array.of(0.3, 0.7) })).toThrow(
    "distillation-loss.sampledReverseKl: teacherLogProbs must be log-probs in nats (at most 0), got 0.3",
  );
  expect(run({ teacherLogProbs: Float32Array.of(-1, -Infinity) })).toThrow(
    "teacherLogProbs must be finite where the token weight is above 0, got -Infinity at row 1.",
  );
  expect(run({ samplingLogProbs: Float32Array.of(-1) })).toThrow(
    "samplingLogProbs must have one entry for each of the 2 rows, got 1.",
  );
  expect(run({ clip: { low: 1.2, high: 0.3 } })).toThrow("clip needs 0 < low < 1, high > 0 and dual > 1, got low 1.2");
  expect(run({ clip: { low: 0.2, high: 0.3, dual: 1 } })).toThrow("dual 1.");
});
