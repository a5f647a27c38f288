import "@tensorflow/tfjs-backend-cpu";
import { registerCoreGradients } from "@imagine-opd/tensor-ops";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import { createDenseHead, type DenseHead } from "../test/dense-head.ts";
import { largestDifference } from "../test/evaluate-loss.ts";
import { randomRows } from "../test/reference.ts";
import {
  type ComparisonOptions,
  crossEntropy,
  crossEntropyThroughHead,
  type DistillationResult,
  divergence,
  divergenceThroughHead,
  type HeadOptions,
  policyGradient,
  policyGradientThroughHead,
  type RowOptions,
  sampledReverseKl,
  sampledReverseKlThroughHead,
  type TokenOptions,
} from "./index.ts";

const [N, D, V] = [7, 3, 11];
const tokens = Int32Array.of(1, 0, 5, 10, 2, 2, 7);
const teacherLogProbs = Float32Array.of(-1, -2, -0.5, -3, -1, -1, -2);
const advantages = Float32Array.of(1, -1, 0.5, 2, 0, 1, -3);
const teacherStates = randomRows(3, N, D);

beforeAll(async () => {
  await tf.setBackend("cpu");
  registerCoreGradients();
});

type Weights = Record<string, tf.Tensor>;
interface Case {
  readonly name: string;
  readonly throughHead: (
    states: tf.Tensor2D,
    head: DenseHead,
    weights: Weights,
    options: RowOptions & Pick<HeadOptions, "chunkVocabulary">,
  ) => DistillationResult;
  readonly onLogits: (logits: tf.Tensor2D, teacher: tf.Tensor2D, options: RowOptions) => DistillationResult;
}

const teacherWeight = randomRows(4, V, D);
const teacherOf = () => ({
  states: tf.tensor2d(teacherStates),
  weights: { kind: "merged", weights: { "head.weight": tf.tensor2d(teacherWeight) } } as const,
});
const samplingLogProbs = Float32Array.of(-1, -3, -1, -2, -4, -2, -3);
const comparing: Record<string, ComparisonOptions & TokenOptions> = {
  "reverse-kl": { divergence: { kind: "reverse-kl" } },
  "forward-kl": { divergence: { kind: "forward-kl" } },
  "jsd, importance weights": {
    divergence: { kind: "jsd", beta: 0.3 },
    tokens,
    importance: { samplingLogProbs, cap: 1.5 },
  },
  "skew-jsd, clipped": {
    divergence: { kind: "skew-jsd", beta: 0.3, normalize: "endpoint" },
    clip: { kind: "preserve-direction", limit: 0.3 },
  },
  "reverse-kl on the student's top 3 and a tail": {
    divergence: { kind: "reverse-kl" },
    topK: { support: "student", k: 3, mass: "tail" },
  },
  "jsd on the union of the top 4 and a tail": {
    divergence: { kind: "jsd", beta: 0.5 },
    topK: { support: "union", k: 4, mass: "tail" },
  },
  "forward-kl on the teacher's top 5, renormalised, entries clipped": {
    divergence: { kind: "forward-kl" },
    topK: { support: "teacher", k: 5, mass: "renormalise" },
    clip: { kind: "vocabulary-entry", limit: 0.1 },
  },
};
const cases: Case[] = [
  ...Object.entries(comparing).map(
    ([name, chosen]): Case => ({
      name,
      throughHead: (states, head, trainable, options) =>
        divergenceThroughHead(states, { head, trainable, teacher: teacherOf(), tokens, ...chosen, ...options }),
      onLogits: (logits, teacher, options) => divergence(logits, teacher, { tokens, ...chosen, ...options }),
    }),
  ),
  {
    name: "sampled reverse KL",
    throughHead: (states, head, trainable, options) =>
      sampledReverseKlThroughHead(states, { head, trainable, tokens, teacherLogProbs, ...options }),
    onLogits: (logits, _, options) => sampledReverseKl(logits, { tokens, teacherLogProbs, ...options }),
  },
  {
    name: "policy gradient",
    throughHead: (states, head, trainable, options) =>
      policyGradientThroughHead(states, { head, trainable, tokens, advantages, ...options }),
    onLogits: (logits, _, options) => policyGradient(logits, { tokens, advantages, ...options }),
  },
  {
    name: "cross-entropy",
    throughHead: (states, head, trainable, options) =>
      crossEntropyThroughHead(states, { head, trainable, tokens, ...options }),
    onLogits: (logits, _, options) => crossEntropy(logits, { tokens, ...options }),
  },
];

const states = () => tf.tensor2d(randomRows(1, N, D));
const weight = () => tf.tensor2d(randomRows(2, V, D));

/** Value, gradients and report of `f` in the states and the head's weight. */
async function evaluate(f: (h: tf.Tensor2D, w: tf.Tensor2D) => DistillationResult) {
  let result!: DistillationResult;
  const { value, grads } = tf.valueAndGrads((h, w) => {
    result = f(h as tf.Tensor2D, w as tf.Tensor2D);
    return result.loss;
  })([states(), weight()]);
  return {
    loss: value.dataSync()[0]!,
    dStates: grads[0]!.arraySync() as number[][],
    dWeight: grads[1]!.arraySync() as number[][],
    tokens: await result.readTokens(),
  };
}

/** All that one report holds is in the other too, to rounding. */
function expectSameReport(actual: object, expected: object): void {
  expect(Object.keys(actual).sort()).toEqual(Object.keys(expected).sort());
  for (const [name, value] of Object.entries(expected)) {
    const other = (actual as Record<string, unknown>)[name];
    if (value instanceof Float32Array)
      expect(largestDifference([[...(other as Float32Array)]], [[...value]]), name).toBeLessThan(2e-6);
    else if (typeof value === "object") expectSameReport(other as object, value);
    else expect(other, name).toBeCloseTo(value, 5);
  }
}

/** The explicit way: all logits at once, differentiated by core through the matrix product. */
function explicit({ onLogits }: Case, options: RowOptions) {
  const teacher = tf.matMul<tf.Tensor2D>(tf.tensor2d(teacherStates), tf.tensor2d(teacherWeight), false, true);
  return evaluate((h, w) => onLogits(tf.matMul<tf.Tensor2D>(h, w, false, true), teacher, options));
}

describe.each(cases)("$name", (each) => {
  const options: RowOptions = {
    temperature: 1.7,
    tokenWeights: Float32Array.of(1, 0.5, 0, 2, 1, 1, 1),
    banned: Int32Array.of(3, 9),
  };

  const pieces: { chunkRows: number; chunkVocabulary?: number }[] = [
    ...[1, 3, N, N + 5].map((chunkRows) => ({ chunkRows })),
    ...[1, 4, 5, V, V + 3].flatMap((chunkVocabulary) => [2, N].map((chunkRows) => ({ chunkRows, chunkVocabulary }))),
  ];

  test.each(pieces)("through a trainable head in chunks = on explicit logits (%j)", async (chunks) => {
    const expected = await explicit(each, options);
    let head!: DenseHead;
    const actual = await evaluate((h, w) => {
      head = createDenseHead(w, "trainable");
      return each.throughHead(h, head, { "head.weight": w }, { ...options, ...chunks });
    });
    expect(Math.max(...head.logitsRows)).toBeLessThanOrEqual(chunks.chunkRows);
    expect(Math.max(...head.logitsColumns)).toBeLessThanOrEqual(chunks.chunkVocabulary ?? V);
    expect(Math.abs(actual.loss - expected.loss)).toBeLessThan(1e-6 * Math.max(1, Math.abs(expected.loss)));
    expect(largestDifference(actual.dStates, expected.dStates)).toBeLessThan(1e-6);
    expect(largestDifference(actual.dWeight, expected.dWeight)).toBeLessThan(1e-6);
    expectSameReport(actual.tokens, expected.tokens);
  });

  test("through a frozen head only the states get a gradient", async () => {
    const expected = await explicit(each, options);
    const head = createDenseHead(weight(), "frozen");
    const gradient = tf.grad((h) => each.throughHead(h as tf.Tensor2D, head, {}, options).loss)(states());
    expect(largestDifference(gradient.arraySync() as number[][], expected.dStates)).toBeLessThan(1e-6);
  });

  test("never has more rows of logits than chunkRows, and does not touch masked rows", () => {
    const head = createDenseHead(weight(), "trainable");
    tf.grad(
      (h) => each.throughHead(h as tf.Tensor2D, head, { "head.weight": weight() }, { ...options, chunkRows: 4 }).loss,
    )(states());
    // 6 active rows, in chunks of 4 and 2; a divergence asks for the teacher's logits as well.
    const calls = each.name in comparing ? [4, 4, 2, 2] : [4, 2];
    expect(head.logitsRows).toEqual(calls);
    expect(head.backwardRows).toEqual([4, 2]);
  });

  test("does no backward work while no tape records, and gives the same value", async () => {
    const head = createDenseHead(weight(), "trainable");
    const expected = await explicit(each, options);
    const before = tf.memory().numTensors;
    let result!: DistillationResult;
    tf.tidy(() => {
      result = each.throughHead(states(), head, { "head.weight": weight() }, options);
      expect(result.loss.dataSync()[0]).toBeCloseTo(expected.loss, 5);
    });
    expect(head.backwardRows).toEqual([]);
    expect((await result.readTokens()).counts).toEqual(expected.tokens.counts);
    expect(tf.memory().numTensors).toBe(before);
  });

  test("gradients arrive at Variables, 20 steps leave nothing behind", () => {
    const w = tf.variable(weight());
    const h = tf.variable(states());
    const head = createDenseHead(w as unknown as tf.Tensor2D, "trainable");
    let before = 0;
    for (let step = 0; step < 20; step++) {
      let result!: DistillationResult;
      const { value, grads } = tf.variableGrads(() => {
        result = each.throughHead(
          h as unknown as tf.Tensor2D,
          head,
          { "head.weight": w },
          { ...options, chunkRows: 2, chunkVocabulary: 6 },
        );
        return result.loss;
      });
      expect(Object.keys(grads).sort()).toEqual([h.name, w.name].sort());
      result.dispose();
      tf.dispose([value, ...Object.values(grads)]);
      if (step === 0) before = tf.memory().numTensors;
      else expect(tf.memory().numTensors).toBe(before);
    }
    tf.dispose([w, h]);
  });

  test("with every row masked value and gradients are 0 and the head is not called", async () => {
    const calls: number[][] = [];
    const { loss, dStates, dWeight, tokens } = await evaluate((h, w) => {
      const head = createDenseHead(w, "trainable");
      calls.push(head.logitsRows, head.backwardRows);
      return each.throughHead(h, head, { "head.weight": w }, { tokenWeights: new Float32Array(N) });
    });
    expect([loss, ...dStates.flat(), ...dWeight.flat()].every((x) => x === 0)).toBe(true);
    expect(calls).toEqual([[], []]);
    expect(tokens.counts.masked).toBe(N);
  });
});

describe("peak memory, in bytes, above what was there before", () => {
  async function peakOf(rows: number, vocabulary: number, columns: number, chunkRows: number) {
    const w = tf.randomNormal([vocabulary, columns]) as tf.Tensor2D;
    const h = tf.randomNormal([rows, columns]) as tf.Tensor2D;
    const t = tf.clone(h);
    const start = tf.memory().numBytes;
    const { peakBytes } = await tf.profile(() => {
      tf.tidy(() => {
        tf.valueAndGrads((x, y) => {
          const result = divergenceThroughHead(x as tf.Tensor2D, {
            head: createDenseHead(y as tf.Tensor2D, "trainable"),
            trainable: { "head.weight": y! },
            teacher: { states: t, weights: { kind: "student" } },
            divergence: { kind: "jsd", beta: 0.5 },
            chunkRows,
          });
          result.dispose();
          return result.loss;
        })([h, w]);
      });
      return tf.scalar(0);
    });
    return peakBytes - start;
  }

  test("stays below one [N, V] tensor", async () => {
    expect(await peakOf(400, 400, 2, 4)).toBeLessThan(4 * 400 * 400);
  });

  test("holds a few gradients of the head, not one a chunk", async () => {
    expect(await peakOf(60, 50, 40, 1)).toBeLessThan(12 * 4 * 50 * 40);
  });
});

test("identical states and weights give k1 = 0 and gradient 0; shifted by one row they do not", async () => {
  const rows = randomRows(8, N + 1, D);
  const head = createDenseHead(weight(), "frozen");
  const run = async (teacher: number[][]) => {
    let result!: DistillationResult;
    const gradient = tf.grad((h) => {
      result = divergenceThroughHead(h as tf.Tensor2D, {
        head,
        trainable: {},
        teacher: { states: tf.tensor2d(teacher), weights: { kind: "student" } },
        divergence: { kind: "reverse-kl" },
        tokens,
      });
      return result.loss;
    })(tf.tensor2d(rows.slice(0, N)));
    const { logRatio } = await result.readTokens();
    return { ratio: Math.max(...logRatio!.map(Math.abs)), gradient: tf.max(tf.abs(gradient)).dataSync()[0]! };
  };
  const aligned = await run(rows.slice(0, N));
  const shifted = await run(rows.slice(1));
  expect(aligned.ratio).toBeLessThan(1e-4);
  expect(aligned.gradient).toBeLessThan(1e-6);
  expect(shifted.ratio).toBeGreaterThan(0.1);
  expect(shifted.gradient).toBeGreaterThan(0.01);
});

test("only the student's head is differentiated when the teacher shares its weight", async () => {
  const teacher = tf.tensor2d(teacherStates);
  const fixed = weight();
  const expected = await evaluate((h, w) => {
    const logits = tf.matMul<tf.Tensor2D>(h, w, false, true);
    const target = tf.matMul<tf.Tensor2D>(teacher, fixed, false, true);
    return divergence(logits, target, { divergence: { kind: "jsd", beta: 0.5 } });
  });
  const actual = await evaluate((h, w) =>
    divergenceThroughHead(h, {
      head: createDenseHead(w, "trainable"),
      trainable: { "head.weight": w },
      teacher: { states: teacher, weights: { kind: "student" } },
      divergence: { kind: "jsd", beta: 0.5 },
    }),
  );
  expect(largestDifference(actual.dWeight, expected.dWeight)).toBeLessThan(1e-6);
});

test("a teacher with a head of its own", async () => {
  const own = createDenseHead(tf.tensor2d(teacherWeight), "frozen");
  const actual = await evaluate((h, w) =>
    divergenceThroughHead(h, {
      head: createDenseHead(w, "trainable"),
      trainable: { "head.weight": w },
      teacher: { states: tf.tensor2d(teacherStates), head: own, weights: { kind: "student" } },
      divergence: { kind: "forward-kl" },
    }),
  );
  const expected = await explicit(cases[1]!, {});
  expect(actual.loss).toBeCloseTo(expected.loss, 6);
  expect(largestDifference(actual.dStates, expected.dStates)).toBeLessThan(1e-6);
});

test("teacher states that hang on a trained weight are refused", () => {
  const head = createDenseHead(weight(), "frozen");
  const run = () =>
    tf.grad((h) => {
      const teacher = { states: tf.mul<tf.Tensor2D>(h, 2), weights: { kind: "student" } as const };
      return divergenceThroughHead(h as tf.Tensor2D, {
        head,
        trainable: {},
        teacher,
        divergence: { kind: "forward-kl" },
      }).loss;
    })(states());
  expect(run).toThrow("divergenceThroughHead: a gradient was asked of the teacher, which is a constant of the loss.");
});

test("mismatches are named", () => {
  const head = createDenseHead(weight(), "trainable");
  const other = createDenseHead(tf.zeros([V + 1, D]), "frozen");
  const run = (teacher: { states: tf.Tensor2D; head?: DenseHead }, trainable: Weights) => () =>
    divergenceThroughHead(states(), {
      head,
      trainable,
      teacher: { ...teacher, weights: { kind: "student" } },
      divergence: { kind: "forward-kl" },
    });
  const trainable = { "head.weight": weight() };
  expect(run({ states: states() }, {})).toThrow(
    'trainable must hold every name of head.trainable, and has no "head.weight". Pass policy.trainable.',
  );
  expect(run({ states: tf.zeros([2, D]) }, trainable)).toThrow(
    "the teacher must have a row for each of the student's 7, got 2.",
  );
  expect(run({ states: states(), head: other }, trainable)).toThrow(
    "student and teacher must share a vocabulary, got 11 and 12 ids.",
  );
});
