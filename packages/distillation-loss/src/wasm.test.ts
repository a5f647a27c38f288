import "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, expect, test } from "vitest";
import { createDenseHead } from "../test/dense-head.ts";
import { evaluateLoss, largestDifference } from "../test/evaluate-loss.ts";
import { divergenceOf, logSoftmax, numericGradient, randomRows } from "../test/reference.ts";
import {
  type Divergence,
  divergence,
  divergenceThroughHead,
  policyGradient,
  sampledReverseKl,
  tokenLogProbs,
} from "./index.ts";

beforeAll(async () => {
  await tf.setBackend("wasm");
});

const kinds: Divergence[] = [{ kind: "reverse-kl" }, { kind: "forward-kl" }, { kind: "jsd", beta: 0.3 }];
const tokens = Int32Array.of(4, 0, 6);
const tokenWeights = Float32Array.of(1, 0, 1);
const [student, teacher] = [randomRows(1, 3, 7), randomRows(2, 3, 7)];

test.each(kinds)(
  "stock wasm: $kind against the float64 reference, masked and banned, the same bits again",
  async (kind) => {
    const evaluate = () =>
      evaluateLoss(
        student.map((row, i) => row.map((z) => (i === 1 ? NaN : z))),
        (x) =>
          divergence(x, tf.tensor2d(teacher), {
            divergence: kind,
            tokens,
            tokenWeights,
            temperature: 1.7,
            chunkRows: 1,
          }),
      );
    const first = await evaluate();
    const expected = student.map((row, i) =>
      i === 1 ? row.map(() => 0) : numericGradient((z) => divergenceOf(z, teacher[i]!, kind, 1.7) / 2, row),
    );
    const values = [0, 2].map((i) => divergenceOf(student[i]!, teacher[i]!, kind, 1.7));
    expect(first.loss).toBeCloseTo((values[0]! + values[1]!) / 2, 5);
    expect(largestDifference(first.gradient, expected)).toBeLessThan(2e-6);
    expect(first.tokens.studentLogProbs![2]).toBeCloseTo(logSoftmax(student[2]!, 1.7)[6]!, 5);
    expect(await evaluate()).toEqual(first);
  },
);

test.each(kinds)("stock wasm: $kind at ±1e4, -Infinity in both, and bans", async (kind) => {
  const run = (s: number[][], t: number[][], banned = new Int32Array(0)) =>
    evaluateLoss(s, (x) => divergence(x, tf.tensor2d(t), { divergence: kind, banned }));
  const extreme = await run([[1e4, -1e4, 0]], [[-1e4, 1e4, 0]]);
  expect([extreme.loss, ...extreme.gradient.flat()].every(Number.isFinite)).toBe(true);
  const small = await run([[1, 2]], [[0, -1]]);
  const infinite = await run([[1, -Infinity, 2]], [[0, -Infinity, -1]]);
  const banned = await run([[1, 50, 2]], [[0, 3, -1]], Int32Array.of(1));
  for (const each of [infinite, banned]) {
    expect(each.loss).toBeCloseTo(small.loss, 6);
    expect(each.gradient[0]![1]).toBeCloseTo(0, 12);
    expect(each.gradient[0]![2]).toBeCloseTo(small.gradient[0]![1]!, 6);
  }
});

test("stock wasm: the losses on tokens, through a head and with clipping", async () => {
  const teacherLogProbs = Float32Array.of(-1, -2, -3);
  const sampled = await evaluateLoss(student, (x) => sampledReverseKl(x, { tokens, teacherLogProbs }));
  const k1 = student.map((row, i) => logSoftmax(row)[tokens[i]!]! - teacherLogProbs[i]!);
  expect(sampled.loss).toBeCloseTo((k1[0]! + k1[1]! + k1[2]!) / 3, 5);
  const clipped = await evaluateLoss([[0, 0]], (x) =>
    policyGradient(x, {
      tokens: Int32Array.of(0),
      advantages: Float32Array.of(-1),
      samplingLogProbs: Float32Array.of(Math.log(0.5) - 2),
      clip: { low: 0.2, high: 0.3, dual: 3 },
    }),
  );
  expect(clipped.loss).toBe(3);
  expect(clipped.tokens.clipFractions).toEqual({ ratio: 0, dual: 1 });
  const weight = tf.tensor2d(randomRows(3, 7, 7));
  const head = createDenseHead(weight, "frozen");
  const states = tf.tensor2d(student);
  const { loss } = divergenceThroughHead(states, {
    head,
    trainable: {},
    teacher: { states: tf.tensor2d(teacher), weights: { kind: "student" } },
    divergence: { kind: "reverse-kl" },
  });
  const logitsOf = (rows: number[][]) => tf.matMul(tf.tensor2d(rows), weight, false, true).arraySync() as number[][];
  const [s, t] = [logitsOf(student), logitsOf(teacher)];
  const expected = s.reduce((sum, row, i) => sum + divergenceOf(row, t[i]!, { kind: "reverse-kl" }) / 3, 0);
  expect(loss.dataSync()[0]).toBeCloseTo(expected, 5);
  const { logProbs } = await tokenLogProbs(states, { head, tokens });
  expect(logProbs[0]).toBeCloseTo(logSoftmax(s[0]!)[4]!, 5);
});
