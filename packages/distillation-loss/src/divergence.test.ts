import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { evaluateLoss, largestDifference } from "../test/evaluate-loss.ts";
import { divergenceOf, entropyOf, logSoftmax, numericGradient, randomRows, softmax } from "../test/reference.ts";
import { type DistillationResult, type Divergence, type DivergenceOptions, divergence } from "./index.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

const kinds: readonly Divergence[] = [
  { kind: "reverse-kl" },
  { kind: "forward-kl" },
  { kind: "jsd", beta: 0.5 },
  { kind: "jsd", beta: 0.1 },
];
const temperatures = [0.5, 1, 1.7];
const cases = kinds.flatMap((each) => temperatures.map((temperature) => ({ divergence: each, temperature })));

function evaluate(student: number[][], teacher: number[][], options: DivergenceOptions) {
  return evaluateLoss(student, (x) => divergence(x, tf.tensor2d(teacher), options));
}

test("hand-computed values for S = (1/4, 3/4) and T = (1/2, 1/2)", async () => {
  const student = [[0, Math.log(3)]];
  const teacher = [[0, 0]];
  const lossOf = async (options: Divergence) => (await evaluate(student, teacher, { divergence: options })).loss;
  // KL(S‖T) = ¼ ln ½ + ¾ ln 3/2, KL(T‖S) = ½ ln 2 + ½ ln ⅔, M = (3/8, 5/8)
  expect(await lossOf({ kind: "reverse-kl" })).toBeCloseTo(0.130812, 6);
  expect(await lossOf({ kind: "forward-kl" })).toBeCloseTo(0.143841, 6);
  expect(await lossOf({ kind: "jsd", beta: 0.5 })).toBeCloseTo(0.033822, 6);
});

describe.each(cases)("$divergence at τ = $temperature", (options) => {
  test("value and gradient agree with the float64 reference and its finite differences", async () => {
    for (const seed of [1, 2, 3]) {
      const student = randomRows(seed, 4, 7);
      const teacher = randomRows(seed + 100, 4, 7);
      const { loss, gradient, tokens } = await evaluate(student, teacher, options);
      const values = student.map((row, i) => divergenceOf(row, teacher[i]!, options.divergence, options.temperature));
      const expected = student.map((row, i) =>
        numericGradient((z) => divergenceOf(z, teacher[i]!, options.divergence, options.temperature) / 4, row),
      );
      expect(loss).toBeCloseTo(values.reduce((a, b) => a + b) / 4, 5);
      expect(largestDifference([[...tokens.values]], [values])).toBeLessThan(2e-6);
      expect(largestDifference(gradient, expected)).toBeLessThan(1e-6);
    }
  });

  test("the gradient of a row sums to 0 and constants added to logits change nothing", async () => {
    const student = randomRows(5, 3, 9);
    const teacher = randomRows(6, 3, 9);
    const plain = await evaluate(student, teacher, options);
    const shifted = await evaluate(
      student.map((row) => row.map((z) => z + 3)),
      teacher.map((row) => row.map((z) => z - 8)),
      options,
    );
    for (const row of plain.gradient) expect(Math.abs(row.reduce((a, b) => a + b))).toBeLessThan(1e-6);
    expect(shifted.loss).toBeCloseTo(plain.loss, 5);
    expect(largestDifference(shifted.gradient, plain.gradient)).toBeLessThan(2e-6);
  });

  test("equal distributions have divergence 0 and gradient 0", async () => {
    const student = randomRows(7, 3, 20);
    const same = await evaluate(student, student, options);
    const moved = await evaluate(
      student,
      student.map((row) => row.map((z) => z + 4)),
      options,
    );
    for (const { loss, gradient } of [same, moved]) {
      expect(Math.abs(loss)).toBeLessThan(1e-6);
      expect(Math.max(...gradient.flat().map(Math.abs))).toBeLessThan(1e-6);
    }
  });

  test("dividing the logits by τ is the same as the option, and its gradient is 1/τ as large", async () => {
    const student = randomRows(8, 2, 6);
    const teacher = randomRows(9, 2, 6);
    const { temperature } = options;
    const divided = (rows: number[][]) => rows.map((row) => row.map((z) => z / temperature));
    const byOption = await evaluate(student, teacher, options);
    const byHand = await evaluate(divided(student), divided(teacher), { divergence: options.divergence });
    expect(byOption.loss).toBeCloseTo(byHand.loss, 6);
    expect(largestDifference(byOption.gradient, divided(byHand.gradient))).toBeLessThan(1e-6);
  });
});

test("never below 0 but for rounding, and the jsd never above H(β)", async () => {
  const rows = fc.array(fc.double({ min: -30, max: 30, noNaN: true }), { minLength: 5, maxLength: 5 });
  const beta = fc.double({ min: 0.01, max: 0.99, noNaN: true });
  await fc.assert(
    fc.asyncProperty(rows, rows, beta, async (student, teacher, beta) => {
      for (const each of [{ kind: "reverse-kl" }, { kind: "forward-kl" }, { kind: "jsd", beta }] as Divergence[]) {
        const { loss } = await evaluate([student], [teacher], { divergence: each });
        expect(loss).toBeGreaterThan(-1e-6);
        if (each.kind === "jsd") expect(loss).toBeLessThan(entropyOf([beta, 1 - beta]) + 1e-6);
      }
    }),
    { seed: 11, numRuns: 60 },
  );
});

test("jsd_β(S, T) = jsd_{1−β}(T, S), and jsd / (β(1−β)) tends to the two KLs", async () => {
  const student = randomRows(21, 1, 12);
  const teacher = randomRows(22, 1, 12);
  const jsd = async (s: number[][], t: number[][], beta: number) =>
    (await evaluate(s, t, { divergence: { kind: "jsd", beta } })).loss;
  for (const beta of [0.2, 0.5, 0.9])
    expect(await jsd(student, teacher, beta)).toBeCloseTo(await jsd(teacher, student, 1 - beta), 6);
  const forward = divergenceOf(student[0]!, teacher[0]!, { kind: "forward-kl" });
  const reverse = divergenceOf(student[0]!, teacher[0]!, { kind: "reverse-kl" });
  expect((await jsd(student, teacher, 0.002)) / (0.002 * 0.998) / forward).toBeCloseTo(1, 1);
  expect((await jsd(student, teacher, 0.998)) / (0.002 * 0.998) / reverse).toBeCloseTo(1, 1);
});

test("the report holds entropies, log-probs of the tokens and k1", async () => {
  const student = randomRows(31, 3, 6);
  const teacher = randomRows(32, 3, 6);
  const ids = [5, 0, 2];
  const { tokens } = await evaluate(student, teacher, {
    divergence: { kind: "forward-kl" },
    temperature: 1.7,
    tokens: Int32Array.from(ids),
  });
  const pick = (rows: number[][]) => rows.map((row, i) => logSoftmax(row, 1.7)[ids[i]!]!);
  const entropies = (rows: number[][]) => rows.map((row) => entropyOf(softmax(row, 1.7)));
  expect(largestDifference([[...tokens.studentLogProbs!]], [pick(student)])).toBeLessThan(1e-6);
  expect(largestDifference([[...tokens.teacherLogProbs!]], [pick(teacher)])).toBeLessThan(1e-6);
  expect(largestDifference([[...tokens.studentEntropy]], [entropies(student)])).toBeLessThan(1e-6);
  expect(largestDifference([[...tokens.teacherEntropy!]], [entropies(teacher)])).toBeLessThan(1e-6);
  expect(tokens.logRatio![1]).toBeCloseTo(pick(student)[1]! - pick(teacher)[1]!, 6);
  expect(tokens.counts).toEqual({ tokens: 3, masked: 0, empty: 0, notANumber: 0 });
  expect(tokens.clipFractions).toBeUndefined();
});

describe("masks and weights", () => {
  const options: DivergenceOptions = { divergence: { kind: "reverse-kl" } };
  const student = randomRows(41, 4, 6);
  const teacher = randomRows(42, 4, 6);

  test("a weighted mean: Σ w D / Σ 1[w > 0], or / normalizer", async () => {
    const values = student.map((row, i) => divergenceOf(row, teacher[i]!, options.divergence));
    const tokenWeights = Float32Array.of(1, 0, 0.5, 2);
    const weighted = values[0]! + 0.5 * values[2]! + 2 * values[3]!;
    const mean = await evaluate(student, teacher, { ...options, tokenWeights });
    const normalised = await evaluate(student, teacher, { ...options, tokenWeights, normalizer: 10 });
    expect(mean.loss).toBeCloseTo(weighted / 3, 5);
    expect(normalised.loss).toBeCloseTo(weighted / 10, 5);
    expect(largestDifference([normalised.gradient[3]!], [mean.gradient[3]!.map((g) => g * 0.3)])).toBeLessThan(1e-7);
    expect(mean.tokens.counts).toEqual({ tokens: 3, masked: 1, empty: 0, notANumber: 0 });
    expect(mean.tokens.values[1]).toBe(0);
  });

  test("a masked row may hold NaN and infinity, in logits and in tokens, without effect", async () => {
    const spoilt = (rows: number[][]) => rows.map((row, i) => (i === 1 ? [NaN, Infinity, -Infinity, NaN, 0, 1] : row));
    const tokenWeights = Float32Array.of(1, 0, 1, 1);
    const tokens = Int32Array.of(0, -7, 1, 2);
    const clean = await evaluate(student, teacher, { ...options, tokenWeights });
    const dirty = await evaluate(spoilt(student), spoilt(teacher), { ...options, tokenWeights, tokens });
    expect(dirty.loss).toBe(clean.loss);
    expect(dirty.gradient).toEqual(clean.gradient);
    expect(dirty.gradient[1]).toEqual([0, 0, 0, 0, 0, 0]);
    expect(dirty.tokens.counts.notANumber).toBe(0);
  });

  test("an empty mask gives value 0 and gradient 0, and so do no rows at all", async () => {
    const empty = await evaluate(spoilt(student), teacher, { ...options, tokenWeights: new Float32Array(4) });
    expect(empty.loss).toBe(0);
    expect(empty.gradient).toEqual(student.map((row) => row.map(() => 0)));
    expect(empty.tokens.counts).toEqual({ tokens: 0, masked: 4, empty: 0, notANumber: 0 });
    const none = divergence(tf.zeros([0, 6]), tf.zeros([0, 6]), options);
    expect(none.loss.dataSync()[0]).toBe(0);
    expect((await none.readTokens()).values).toHaveLength(0);

    function spoilt(rows: number[][]) {
      return rows.map((row) => row.map(() => NaN));
    }
  });

  test("NaN in a row that counts is not hidden", async () => {
    const { loss, tokens } = await evaluate([[NaN, 1], ...randomRows(1, 1, 2)], randomRows(2, 2, 2), options);
    expect(loss).toBeNaN();
    expect(tokens.counts.notANumber).toBe(1);
  });

  test("micro-batches with the global count add up to the whole batch, however it is split and ordered", async () => {
    const whole = await evaluate(student, teacher, options);
    for (const split of [1, 2, 3]) {
      const first = await evaluate(student.slice(0, split), teacher.slice(0, split), { ...options, normalizer: 4 });
      const second = await evaluate(student.slice(split), teacher.slice(split), { ...options, normalizer: 4 });
      expect(first.loss + second.loss).toBeCloseTo(whole.loss, 6);
      expect(largestDifference([...first.gradient, ...second.gradient], whole.gradient)).toBeLessThan(1e-7);
    }
    const turned = await evaluate([...student].reverse(), [...teacher].reverse(), options);
    expect(turned.loss).toBeCloseTo(whole.loss, 6);
    expect(turned.gradient.reverse()).toEqual(whole.gradient);
  });
});

describe("impossible tokens", () => {
  const student = randomRows(51, 2, 6);
  const teacher = randomRows(52, 2, 6);
  const without = (rows: number[][]) => rows.map((row) => row.filter((_, v) => v !== 1 && v !== 4));
  const impossible = (rows: number[][]) => rows.map((row) => row.map((z, v) => (v === 1 || v === 4 ? -Infinity : z)));

  test.each(cases)(
    "banned or at -Infinity in both is a vocabulary without them ($divergence, τ $temperature)",
    async (options) => {
      const small = await evaluate(without(student), without(teacher), options);
      const banned = await evaluate(
        student.map((row) => row.map((z, v) => (v === 4 ? 1e4 : z))),
        teacher,
        { ...options, banned: Int32Array.of(1, 4) },
      );
      const infinite = await evaluate(impossible(student), impossible(teacher), options);
      for (const each of [banned, infinite]) {
        expect(each.loss).toBeCloseTo(small.loss, 6);
        expect(largestDifference(without(each.gradient), small.gradient)).toBeLessThan(1e-7);
        expect(each.gradient.every((row) => row[1] === 0 && row[4] === 0)).toBe(true);
        expect(each.tokens.studentEntropy[0]).toBeCloseTo(small.tokens.studentEntropy[0]!, 6);
      }
    },
  );

  test("impossible for the teacher alone: an error for the reverse KL, the right value for forward KL and jsd", async () => {
    const gone = (row: number[]) => row.map((z, v) => (v === 1 || v === 4 ? -60 : z));
    for (const each of kinds) {
      const evaluation = evaluate(student, impossible(teacher), { divergence: each });
      if (each.kind === "reverse-kl") {
        await expect(evaluation).rejects.toThrow("readTokens: the value at row 0 is infinite");
      } else {
        const values = student.map((row, i) => divergenceOf(row, gone(teacher[i]!), each));
        const { loss, gradient } = await evaluation;
        expect(loss).toBeCloseTo((values[0]! + values[1]!) / 2, 5);
        expect(gradient.flat().every(Number.isFinite)).toBe(true);
      }
    }
  });

  test("a row where everything is impossible adds nothing and is counted", async () => {
    const nothing = [student[0]!, Array(6).fill(-Infinity)];
    for (const each of kinds) {
      const { loss, gradient, tokens } = await evaluate(nothing, teacher, { divergence: each });
      expect(loss).toBeCloseTo(divergenceOf(student[0]!, teacher[0]!, each) / 2, 5);
      expect(gradient[1]!.every((g) => g === 0)).toBe(true);
      expect(tokens.counts).toEqual({ tokens: 2, masked: 0, empty: 1, notANumber: 0 });
    }
  });
});

test("chunks of any size give the result of one chunk", async () => {
  const student = randomRows(61, 7, 5);
  const teacher = randomRows(62, 7, 5);
  const tokenWeights = Float32Array.of(1, 0, 2, 1, 1, 0, 3);
  for (const options of cases) {
    const whole = await evaluate(student, teacher, { ...options, tokenWeights, chunkRows: 7 });
    for (const chunkRows of [1, 3, 12]) {
      const chunked = await evaluate(student, teacher, { ...options, tokenWeights, chunkRows });
      expect(chunked.loss).toBeCloseTo(whole.loss, 6);
      expect(largestDifference(chunked.gradient, whole.gradient)).toBeLessThan(1e-7);
      expect(chunked.tokens).toEqual(whole.tokens);
    }
  }
});

test("a gradient asked of the teacher throws; one asked of the student alone does not", () => {
  const [student, teacher] = [tf.tensor2d(randomRows(71, 2, 4)), tf.tensor2d(randomRows(72, 2, 4))];
  const loss = (s: tf.Tensor, t: tf.Tensor) =>
    divergence(s as tf.Tensor2D, t as tf.Tensor2D, { divergence: { kind: "forward-kl" } }).loss;
  expect(() => tf.grads(loss)([student, teacher])).toThrow(
    "distillation-loss.divergence: a gradient was asked of the teacher",
  );
  expect(() => tf.grad((s) => loss(s, teacher))(student)).not.toThrow();
});

test("the incoming gradient is applied", () => {
  const [student, teacher] = [tf.tensor2d(randomRows(81, 2, 4)), tf.tensor2d(randomRows(82, 2, 4))];
  const gradient = tf.grad((s) => divergence(s as tf.Tensor2D, teacher, { divergence: { kind: "reverse-kl" } }).loss);
  const plain = gradient(student).dataSync();
  const scaled = gradient(student, tf.scalar(3)).dataSync();
  expect(scaled[0]! / plain[0]!).toBeCloseTo(3, 5);
});

test("the same call gives the same bits", async () => {
  const [student, teacher] = [randomRows(91, 3, 11), randomRows(92, 3, 11)];
  for (const options of cases) {
    const first = await evaluate(student, teacher, options);
    expect(await evaluate(student, teacher, options)).toEqual(first);
  }
});

describe("memory", () => {
  const options: DivergenceOptions = { divergence: { kind: "jsd", beta: 0.5 }, tokenWeights: Float32Array.of(1, 0, 1) };

  test("50 steps leave nothing behind, whether the tokens are read or only disposed of", async () => {
    const [student, teacher] = [tf.tensor2d(randomRows(1, 3, 5)), tf.tensor2d(randomRows(2, 3, 5))];
    const before = tf.memory().numTensors;
    for (let step = 0; step < 50; step++) {
      let result!: DistillationResult;
      const { value, grad } = tf.valueAndGrad((x: tf.Tensor2D) => {
        result = divergence(x, teacher, options);
        return result.loss;
      })(student);
      if (step % 2 === 0) await result.readTokens();
      result.dispose();
      result.dispose();
      tf.dispose([value, grad]);
      expect(tf.memory().numTensors).toBe(before);
    }
    const untaped = divergence(student, teacher, options);
    untaped.loss.dispose();
    untaped.dispose();
    expect(tf.memory().numTensors).toBe(before);
    tf.dispose([student, teacher]);
  });

  test("statistics survive a tidy, are read once and then gone", async () => {
    const before = tf.memory().numTensors;
    let result!: DistillationResult;
    tf.tidy(() => {
      result = divergence(tf.tensor2d(randomRows(1, 3, 5)), tf.tensor2d(randomRows(2, 3, 5)), options);
    });
    const tokens = await result.readTokens();
    expect(tokens.values).toHaveLength(3);
    expect(await result.readTokens()).toBe(tokens);
    expect(tf.memory().numTensors).toBe(before);
  });

  test("reading after dispose() is an error", async () => {
    const result = divergence(tf.zeros([3, 5]), tf.zeros([3, 5]), options);
    result.dispose();
    await expect(result.readTokens()).rejects.toThrow("divergence().readTokens: the statistics were disposed.");
  });
});

describe("refuses", () => {
  const logits = () => tf.zeros([2, 3]) as tf.Tensor2D;
  const run = (options: Partial<DivergenceOptions>) => () =>
    divergence(logits(), logits(), { divergence: { kind: "reverse-kl" }, ...options } as DivergenceOptions);

  test.each([
    [{ divergence: { kind: "jsd", beta: 0 } }, "beta of the jsd must be above 0 and below 1, got 0. The jsd vanishes"],
    [{ divergence: { kind: "jsd", beta: 1 } }, "beta of the jsd must be above 0 and below 1, got 1."],
    [
      { divergence: { kind: "k1" } as unknown as Divergence },
      'divergence.kind must be "reverse-kl", "forward-kl", "jsd" or "skew-jsd", got "k1". k1 has an expected gradient of 0',
    ],
    [
      { divergence: { kind: "kl" } as unknown as Divergence },
      'divergence.kind must be "reverse-kl", "forward-kl", "jsd" or "skew-jsd", got "kl".',
    ],
    [{ temperature: 0 }, "temperature must be finite and above 0, got 0."],
    [{ chunkRows: 1.5 }, "chunkRows must be a whole number of rows, got 1.5."],
    [{ normalizer: 0 }, "normalizer must be finite and above 0, got 0."],
    [{ tokenWeights: Float32Array.of(1) }, "tokenWeights must have one entry for each of the 2 rows, got 1."],
    [{ tokenWeights: Float32Array.of(1, -1) }, "tokenWeights must be finite and at least 0, got -1 at row 1."],
    [{ banned: Int32Array.of(3) }, "banned must be ids from 0 to 2, got 3."],
    [{ banned: Int32Array.of(0, 1, 2) }, "banned names all 3 ids"],
    [{ tokens: Int32Array.of(0, 3) }, "tokens must be ids from 0 to 2, got 3 at row 1."],
    [{ tokens: Int32Array.of(0) }, "tokens must have one id for each of the 2 rows, got 1."],
    [{ tokens: Int32Array.of(0, 1), banned: Int32Array.of(1) }, "token 1 at row 1 is banned."],
  ] as [Partial<DivergenceOptions>, string][])("%j", (options, message) => {
    expect(run(options)).toThrow(`distillation-loss.divergence: ${message}`);
  });

  test("logits of different shapes, and what is not a matrix of floats", () => {
    const options: DivergenceOptions = { divergence: { kind: "reverse-kl" } };
    expect(() => divergence(tf.zeros([2, 3]), tf.zeros([2, 4]), options)).toThrow(
      "student and teacher must have one shape, got [2, 3] and [2, 4].",
    );
    expect(() => divergence(tf.zeros([2, 3], "int32"), tf.zeros([2, 3]), options)).toThrow(
      "student must be a float32 tensor of rank 2, got int32 of shape [2, 3].",
    );
  });
});
