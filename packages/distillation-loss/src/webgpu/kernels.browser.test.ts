import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { createDenseHead } from "../../test/dense-head.ts";
import { evaluateLoss, largestDifference } from "../../test/evaluate-loss.ts";
import { randomRows } from "../../test/reference.ts";
import { failOnDeviceErrors, recordPrograms, useWebgpu } from "../../test/webgpu.ts";
import {
  type DistillationResult,
  type Divergence,
  type DivergenceOptions,
  divergence,
  divergenceThroughHead,
  sampledReverseKl,
  tokenLogProbs,
} from "../index.ts";
import { registerWebgpuKernels } from "./index.ts";

const kinds: readonly Divergence[] = [
  { kind: "reverse-kl" },
  { kind: "forward-kl" },
  { kind: "jsd", beta: 0.3 },
  { kind: "skew-jsd", beta: 0.7, normalize: "endpoint" },
];

type Support = Omit<DivergenceOptions, "divergence">;
const supports: Readonly<Record<string, Support>> = {
  "all ids": {},
  "entries above a limit cut off": { clip: { kind: "vocabulary-entry", limit: 0.02 } },
  "the student's top 2 and a tail": { topK: { support: "student", k: 2, mass: "tail" } },
  "the teacher's top 2, renormalised": { topK: { support: "teacher", k: 2, mass: "renormalise" } },
  "both top 2 and a tail": { topK: { support: "union", k: 2, mass: "tail" } },
};

beforeEach(async () => {
  await useWebgpu();
  registerWebgpuKernels();
});
failOnDeviceErrors();

/** A loss and its gradient on WebGPU and, composed, on the cpu. */
async function evaluateOnBoth(rows: number[][], run: (x: tf.Tensor2D) => DistillationResult) {
  const device = await evaluateLoss(rows, run);
  await tf.setBackend("cpu");
  const composed = await evaluateLoss(rows, run);
  await tf.setBackend("webgpu");
  return { device, composed };
}

/**
 * Equal to 1e-5: numbers of the report relative to 1 nat or, where they are larger, to the largest, because their log-sums
 * alone are rounded by 1e-6; the gradient relative to its largest entry or, where they are given and larger, to the terms whose
 * difference it is.
 */
function expectSame({ device, composed }: Awaited<ReturnType<typeof evaluateOnBoth>>, terms = 0): void {
  const near = (actual: number[][], expected: number[][], least: number) =>
    expect(largestDifference(actual, expected)).toBeLessThanOrEqual(1e-5 * largest(expected, least));
  for (const name of Object.keys(composed.tokens) as (keyof typeof composed.tokens)[]) {
    const expected = composed.tokens[name];
    if (expected instanceof Float32Array) near([[...(device.tokens[name] as Float32Array)]], [[...expected]], 1);
  }
  expect(Object.keys(device.tokens)).toEqual(Object.keys(composed.tokens));
  expect(device.tokens.counts).toEqual(composed.tokens.counts);
  near([[device.loss]], [[composed.loss]], 1);
  near(device.gradient, composed.gradient, terms);
}

const largest = (rows: number[][], least: number) =>
  rows.flat().reduce((max, each) => Math.max(max, Math.abs(each)), least);

const rowCount = (columns: number) => (columns > 1e4 ? 2 : 3);

describe.each([3, 17, 256, 1001, 50_257])("%i ids", (columns) => {
  const [student, teacher] = [randomRows(1, rowCount(columns), columns), randomRows(2, rowCount(columns), columns)];
  const tokens = Int32Array.from(student, (_, i) => (i * 7919 + 1) % columns);

  test.each(kinds)("$kind: values, report and gradient are those of the composed form on the cpu", async (kind) => {
    // The composed form takes seconds at the largest size.
    for (const options of columns > 1e4
      ? [supports["all ids"], supports["both top 2 and a tail"]]
      : Object.values(supports)) {
      const run = (x: tf.Tensor2D) =>
        divergence(x, tf.tensor2d(teacher), {
          divergence: kind,
          ...options,
          tokens,
          temperature: 1.7,
        } as DivergenceOptions);
      expectSame(await evaluateOnBoth(student, run));
    }
  });

  test("the sampled reverse KL", async () => {
    const teacherLogProbs = Float32Array.from(student, (_, i) => -1 - i);
    expectSame(
      await evaluateOnBoth(student, (x) => sampledReverseKl(x, { tokens, teacherLogProbs, temperature: 0.5 })),
    );
  });
});

describe.each(Object.entries(supports))("%s", (_, options) => {
  test.each(kinds)("$kind at ±1e4, with ids at -1e9, at -Infinity and banned", async (kind) => {
    const extreme = [
      [1e4, -1e4, 0, 9999, 5],
      [0, 1, 2, 3, 4],
      [-1e4, -1e4, -1e4, -1e4, 1e4],
    ];
    const run = (teacher: number[][], banned: Int32Array) => (x: tf.Tensor2D) =>
      divergence(x, tf.tensor2d(teacher), { divergence: kind, ...options, banned } as DivergenceOptions);
    const both = await evaluateOnBoth(extreme, run([...extreme].reverse(), new Int32Array(0)));
    expect([both.device.loss, ...both.device.gradient.flat()].every(Number.isFinite)).toBe(true);
    expectSame(both, 1e4);
    for (const impossible of [-1e9, Number.NEGATIVE_INFINITY]) {
      const rows = (seed: number) =>
        randomRows(seed, 2, 8).map((row) => row.map((z, v) => (v % 3 === 1 ? impossible : z)));
      expectSame(await evaluateOnBoth(rows(1), run(rows(2), new Int32Array(0))), 1);
    }
    expectSame(await evaluateOnBoth(randomRows(1, 2, 8), run(randomRows(2, 2, 8), Int32Array.of(0, 5))), 1);
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY])("%d in a row that counts is not hidden", async (broken) => {
    for (const columns of [5, 8]) {
      const student = randomRows(1, 2, columns);
      student[1]![3] = broken;
      const run = (x: tf.Tensor2D) =>
        divergence(x, tf.tensor2d(randomRows(2, 2, columns)), {
          divergence: kinds[0]!,
          ...options,
        } as DivergenceOptions);
      const { loss, gradient, tokens } = await evaluateLoss(student, run);
      expect(loss).toBeNaN();
      expect(tokens.values[0]).not.toBeNaN();
      expect(tokens.counts.notANumber).toBe(1);
      expect(gradient[0]!.every(Number.isFinite)).toBe(true);
      expect(gradient[1]!.every(Number.isNaN)).toBe(true);
    }
  });
});

test.each([kinds[1]!, kinds[2]!])(
  "$kind through a head in slices of the vocabulary: the same as whole",
  async (kind) => {
    const [states, teacherStates, weight] = [randomRows(1, 5, 4), randomRows(2, 5, 4), randomRows(3, 40, 4)];
    for (const options of [supports["all ids"], supports["both top 2 and a tail"]])
      for (const chunkVocabulary of [16, 7]) {
        const run = (x: tf.Tensor2D) =>
          divergenceThroughHead(x, {
            divergence: kind,
            ...options,
            chunkVocabulary,
            chunkRows: 2,
            head: createDenseHead(tf.tensor2d(weight), "frozen"),
            trainable: {},
            teacher: { states: tf.tensor2d(teacherStates), weights: { kind: "student" } },
          } as Parameters<typeof divergenceThroughHead>[1]);
        expectSame(await evaluateOnBoth(states, run));
      }
  },
);

test("more rows than fit in one dimension of a dispatch", async () => {
  // tfjs folds what is above the limit into a square, in which rows beyond the last run too.
  const limit = vi.spyOn(GPUSupportedLimits.prototype, "maxComputeWorkgroupsPerDimension", "get").mockReturnValue(16);
  const run = (x: tf.Tensor2D) => divergence(x, tf.tensor2d(randomRows(2, 200, 5)), { divergence: kinds[2]! });
  const both = await evaluateOnBoth(randomRows(1, 200, 5), run);
  expect(limit).toHaveBeenCalled();
  limit.mockRestore();
  expectSame(both);
});

test("log-probs of tokens, in slices of the vocabulary", async () => {
  const score = () =>
    tokenLogProbs(tf.tensor2d(randomRows(1, 3, 4)), {
      head: createDenseHead(tf.tensor2d(randomRows(2, 21, 4)), "frozen"),
      tokens: Int32Array.of(0, 20, 8),
      chunkVocabulary: 8,
    });
  const device = await score();
  await tf.setBackend("cpu");
  const composed = await score();
  for (const name of ["logProbs", "entropy"] as const)
    expect(largestDifference([[...device[name]]], [[...composed[name]]])).toBeLessThan(1e-5);
});

test("50 steps leave neither tensors nor bytes on the device behind", async () => {
  const [student, teacher] = [tf.tensor2d(randomRows(1, 3, 64)), tf.tensor2d(randomRows(2, 3, 64))];
  const step = async () => {
    const { value, grad } = tf.valueAndGrad((x: tf.Tensor) => {
      const result = divergence(x as tf.Tensor2D, teacher, {
        divergence: { kind: "jsd", beta: 0.5 },
        topK: { support: "student", k: 4, mass: "tail" },
        chunkRows: 2,
      });
      result.dispose();
      return result.loss;
    })(student);
    await grad.data();
    tf.dispose([value, grad]);
    return tf.memory() as tf.MemoryInfo & { numBytesInGPU: number; numBytesAllocatedInGPU: number };
  };
  const early: Awaited<ReturnType<typeof step>>[] = [];
  for (let i = 0; i < 5; i++) early.push(await step());
  for (let i = 0; i < 45; i++) {
    const memory = await step();
    expect(memory.numTensors).toBe(early[0]!.numTensors);
    expect(memory.numBytesInGPU).toBeLessThanOrEqual(Math.max(...early.map(({ numBytesInGPU }) => numBytesInGPU)));
    expect(memory.numBytesAllocatedInGPU).toBeLessThanOrEqual(early.at(-1)!.numBytesAllocatedInGPU);
  }
});

test("a divergence with its gradient is 8 dispatches, one over the logits on each way", async () => {
  const [student, teacher] = [tf.tensor2d(randomRows(1, 4, 64)), tf.tensor2d(randomRows(2, 4, 64))];
  const loss = (x: tf.Tensor) => {
    const result = divergence(x as tf.Tensor2D, teacher, { divergence: { kind: "reverse-kl" } });
    result.dispose();
    return result.loss;
  };
  const forward = await recordPrograms(() => loss(student));
  expect(forward.filter((name) => name.startsWith("Row"))).toEqual(["RowComparison"]);
  const both = await recordPrograms(() => tf.grad(loss)(student));
  expect(both.filter((name) => name.startsWith("Row"))).toEqual(["RowComparison", "RowDivergenceGradient"]);
  expect(both.length).toBe(8);
});

test("kernels are registered once, also in place of what a loss filled in before", async () => {
  const names = registerWebgpuKernels();
  const kernels = names.map((name) => tf.getKernel(name, "webgpu").kernelFunc);
  tf.unregisterKernel("RowScore", "webgpu");
  sampledReverseKl(tf.tensor2d([[0, 1]]), { tokens: Int32Array.of(0), teacherLogProbs: Float32Array.of(-1) }).dispose();
  expect(tf.getKernel("RowScore", "webgpu").kernelFunc).not.toBe(kernels[names.indexOf("RowScore")]);
  expect(registerWebgpuKernels()).toEqual(names);
  expect(names.map((name) => tf.getKernel(name, "webgpu").kernelFunc)).toEqual(kernels);
  expect([...names].sort()).toEqual([
    "RowComparison",
    "RowDivergence",
    "RowDivergenceGradient",
    "RowScore",
    "RowSupportMass",
    "RowTokenGradient",
  ]);
});
