import * as tf from "@tensorflow/tfjs-core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type DivergenceOptions, divergence, divergenceThroughHead } from "../src/index.ts";
import { createDenseHead } from "./dense-head.ts";
import { check, evaluate, expectNear, kind, pair, topK } from "./divergence-cases.ts";
import { evaluateLoss } from "./evaluate-loss.ts";
import { entropyOf, randomRows, softmax } from "./reference.ts";

/** Which rows and ids count, how they are cut into chunks, and what is reported of them. */
export function testRows(): void {
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
}
