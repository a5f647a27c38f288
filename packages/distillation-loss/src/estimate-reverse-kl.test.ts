import { expect, test } from "vitest";
import { divergenceOf, logSoftmax, numericGradient, randomRows, softmax } from "../test/reference.ts";
import { estimateReverseKl, type ReverseKlEstimator } from "./index.ts";

const estimate = (kind: ReverseKlEstimator, s: number[], t: number[]) =>
  estimateReverseKl(kind, Float32Array.from(s), Float32Array.from(t));

test("hand-computed values", () => {
  const [s, t] = [[Math.log(0.5)], [Math.log(0.25)]];
  expect(estimate("k1", s, t)[0]).toBeCloseTo(Math.LN2, 6);
  expect(estimate("k2", s, t)[0]).toBeCloseTo(0.240227, 6);
  // e^(t−s) − 1 − (t−s) = ½ − 1 + ln 2
  expect(estimate("k3", s, t)[0]).toBeCloseTo(0.193147, 6);
});

test("over all tokens k1 and k3 average to the reverse KL, and k3 is never negative", () => {
  for (const seed of [1, 2, 3]) {
    const [student, teacher] = [randomRows(seed, 1, 8)[0]!, randomRows(seed + 9, 1, 8)[0]!];
    const reverseKl = divergenceOf(student, teacher, { kind: "reverse-kl" });
    const average = (kind: ReverseKlEstimator) =>
      estimate(kind, logSoftmax(student), logSoftmax(teacher)).reduce((sum, k, y) => sum + softmax(student)[y]! * k, 0);
    expect(average("k1")).toBeCloseTo(reverseKl, 5);
    expect(average("k3")).toBeCloseTo(reverseKl, 5);
    expect(Math.min(...estimate("k3", logSoftmax(student), logSoftmax(teacher)))).toBeGreaterThanOrEqual(0);
  }
});

test("what each estimator minimises when differentiated: nothing, the reverse KL, the forward KL", () => {
  const [student, teacher] = [randomRows(5, 1, 6)[0]!, randomRows(6, 1, 6)[0]!];
  const S = softmax(student);
  const t = logSoftmax(teacher);
  const values = {
    k1: (s: number, t: number) => s - t,
    k2: (s: number, t: number) => 0.5 * (s - t) ** 2,
    k3: (s: number, t: number) => Math.exp(t - s) - 1 - (t - s),
  };
  const expectedGradient = (kind: ReverseKlEstimator) =>
    numericGradient((z) => S.reduce((sum, p, y) => sum + p * values[kind](logSoftmax(z)[y]!, t[y]!), 0), student);
  const gradientOf = (kind: "reverse-kl" | "forward-kl") =>
    numericGradient((z) => divergenceOf(z, teacher, { kind }), student);
  const zero = student.map(() => 0);
  for (const [kind, expected] of [
    ["k1", zero],
    ["k2", gradientOf("reverse-kl")],
    ["k3", gradientOf("forward-kl")],
  ] as const)
    for (const [k, gradient] of expectedGradient(kind).entries()) expect(gradient).toBeCloseTo(expected[k]!, 8);
});

test("keeps its digits where the models agree, and refuses what does not match", () => {
  expect(estimate("k3", [-1], [-1.001])[0]! / 5e-7).toBeCloseTo(1, 2);
  expect(estimate("k1", [], [])).toHaveLength(0);
  expect(() => estimate("k1", [-1], [])).toThrow("got 1 and 0 log-probs.");
  expect(() => estimate("k4" as ReverseKlEstimator, [-1], [-1])).toThrow(
    'estimator must be "k1", "k2" or "k3", got "k4".',
  );
});
