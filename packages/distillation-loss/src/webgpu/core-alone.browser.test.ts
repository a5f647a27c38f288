import { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, expect, test, vi } from "vitest";
import { createDenseHead } from "../../test/dense-head.ts";
import { evaluateLoss, largestDifference } from "../../test/evaluate-loss.ts";
import { numericGradient, randomRows, topKDivergenceOf } from "../../test/reference.ts";
import { failOnDeviceErrors, useWebgpu } from "../../test/webgpu.ts";
import {
  crossEntropy,
  divergence,
  divergenceThroughHead,
  policyGradient,
  sampledReverseKlThroughHead,
} from "../index.ts";
import { registerWebgpuKernels } from "./index.ts";

// Core and the WebGPU backend alone, as a first program would have it: no gradient of core is registered in this file.

beforeAll(async () => {
  await useWebgpu();
  registerWebgpuKernels();
  vi.spyOn(WebGPUBackend.prototype, "readSync").mockImplementation(() => {
    throw new Error("a synchronous read from the device");
  });
});
failOnDeviceErrors();

const [states, teacherStates, weight] = [randomRows(1, 3, 4), randomRows(2, 3, 4), randomRows(3, 9, 4)];
const tokens = Int32Array.of(1, 8, 4);
const teacherLogProbs = Float32Array.of(-1, -2, -3);

test("every loss has a gradient and nothing waits for the device", async () => {
  expect(tf.getGradient("Sum")).toBeUndefined();
  const importance = { samplingLogProbs: Float32Array.of(-2, -2, -2), cap: 2 };
  const clip = { low: 0.2, high: 0.3, dual: 3 };
  const throughHead = {
    head: createDenseHead(tf.tensor2d(weight), "frozen"),
    trainable: {},
    chunkRows: 2,
    chunkVocabulary: 4,
  };
  const losses: Parameters<typeof evaluateLoss>[1][] = [
    (x) =>
      divergence(x, tf.tensor2d(teacherStates), {
        divergence: { kind: "skew-jsd", beta: 0.3, normalize: "endpoint" },
        topK: { support: "union", k: 2, mass: "tail" },
        clip: { kind: "preserve-direction", limit: 0.05 },
        tokens: Int32Array.of(0, 1, 2),
        tokenWeights: Float32Array.of(1, 0, 2),
        importance,
      }),
    (x) => policyGradient(x, { tokens: Int32Array.of(0, 1, 2), advantages: teacherLogProbs, clip, importance }),
    (x) =>
      crossEntropy(x, { tokens: Int32Array.of(0, 1, 2), lengths: Int32Array.of(2, 1), reduction: "sequence-mean" }),
    (x) =>
      divergenceThroughHead(x, {
        ...throughHead,
        divergence: { kind: "jsd", beta: 0.5 },
        topK: { support: "student", k: 2, mass: "renormalise" },
        clip: { kind: "vocabulary-entry", limit: 0.05 },
        teacher: { states: tf.tensor2d(teacherStates), weights: { kind: "student" } },
      }),
    (x) =>
      sampledReverseKlThroughHead(x, {
        ...throughHead,
        tokens,
        teacherLogProbs,
        baseline: teacherLogProbs,
        advantageClip: 1,
      }),
  ];
  for (const loss of losses) {
    const { gradient } = await evaluateLoss(states, loss);
    expect(gradient.flat().every(Number.isFinite)).toBe(true);
    expect(gradient.flat().some((each) => Math.abs(each) > 1e-4)).toBe(true);
  }
});

test("finite differences of the float64 reference, with the kernels of every reading", async () => {
  const topK = { support: "union", k: 2, mass: "tail" } as const;
  const kind = { kind: "jsd", beta: 0.4 } as const;
  const { gradient } = await evaluateLoss(states, (x) =>
    divergence(x, tf.tensor2d(teacherStates), { divergence: kind, topK }),
  );
  const expected = states.map((row, i) =>
    numericGradient((z) => topKDivergenceOf(z, teacherStates[i]!, kind, topK, 1, row) / states.length, row),
  );
  expect(largestDifference(gradient, expected)).toBeLessThan(1e-6);
});
