import { type AdamW, createAdamW } from "@imagine-opd/optim";
import { linear, swiGlu } from "@imagine-opd/tensor-ops";
import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import * as tf from "@tensorflow/tfjs-core";
import { afterEach, beforeEach, expect, test } from "vitest";
import { closeWebgpuBackend, isDeviceLostError, openWebgpuBackend, reopenWebgpuBackend } from "./index.ts";

beforeEach(async () => {
  await openWebgpuBackend();
});
afterEach(() => closeWebgpuBackend());

const shapes = { gate: [24, 16], up: [24, 16], down: [8, 24] } as const;
type Weights = Readonly<Record<keyof typeof shapes, Float32Array>>;

const waves = (size: number, phase: number) =>
  Float32Array.from({ length: size }, (_, i) => Math.sin(phase + 1.3 * i) * Math.cos(0.7 * i + phase));

const initial: Weights = { gate: waves(24 * 16, 1), up: waves(24 * 16, 2), down: waves(8 * 24, 3) };

/** A gated layer that learns to give back a part of its input. */
function createLearner(weights: Weights) {
  const variables = Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [
      name,
      tf.tidy(() => tf.variable(tf.tensor(weights[name as keyof Weights], [...shape]))),
    ]),
  ) as Record<keyof typeof shapes, tf.Variable>;
  const optimizer: AdamW = createAdamW(variables, { learningRate: 1e-2 });
  const loss = (step: number): tf.Scalar =>
    tf.tidy(() => {
      const x = tf.tensor2d(waves(4 * 16, step % 2), [4, 16]);
      const hidden = swiGlu(linear(x, variables.gate), linear(x, variables.up));
      return tf.sum(tf.square(tf.sub(linear(hidden, variables.down), tf.slice(x, [0, 0], [4, 8]))));
    });
  return {
    variables,
    optimizer,
    /** One step; `midway` is called between the backward pass and the update. */
    async step(index: number, midway: () => void = () => {}): Promise<number> {
      const { value, grads } = tf.variableGrads(() => loss(index), Object.values(variables));
      try {
        const named = Object.entries(variables).map(([name, { name: tfjsName }]) => [name, grads[tfjsName]!] as const);
        midway();
        optimizer.step(Object.fromEntries(named));
        return (await value.data())[0]!;
      } finally {
        tf.dispose([value, ...Object.values(grads)]);
      }
    },
    async exportState() {
      const entries = Object.entries(variables).map(async ([name, variable]) => [name, await variable.data()] as const);
      const weights = Object.fromEntries(await Promise.all(entries)) as unknown as Weights;
      return { weights, optimizer: await optimizer.exportState() };
    },
    dispose() {
      optimizer.dispose();
      tf.dispose(variables);
    },
  };
}

test("a run goes on from the last step on a new device, with the losses of one that was never interrupted", async () => {
  const whole = createLearner(initial);
  const expected: number[] = [];
  for (let index = 0; index < 6; index++) expected.push(await whole.step(index));
  whole.dispose();
  expect(expected[4]).toBeLessThan(expected[0]!);
  const before = tf.memory().numTensors;

  let learner = createLearner(initial);
  const losses: number[] = [];
  let saved = await learner.exportState();
  for (let index = 0; index < 6; index++) {
    const loseDevice = () => (tf.backend() as WebGPUBackend).device.destroy();
    try {
      losses.push(await learner.step(index, index === 3 && losses.length === 3 ? loseDevice : undefined));
      saved = await learner.exportState();
    } catch (error) {
      if (!isDeviceLostError(error)) throw error;
      learner.dispose();
      await reopenWebgpuBackend();
      learner = createLearner(saved.weights);
      learner.optimizer.importState(saved.optimizer);
      losses.push(await learner.step(index));
      saved = await learner.exportState();
    }
  }
  expect(losses).toEqual(expected);
  expect(learner.optimizer.stepCount).toBe(6);
  learner.dispose();
  expect(tf.memory().numTensors).toBe(before);
});

test("tensors and bytes on the device stay flat over 50 steps", async () => {
  const learner = createLearner(initial);
  for (let index = 0; index < 3; index++) await learner.step(index);
  const { numTensors, ...before } = tf.memory() as tf.MemoryInfo & { numBytesInGPU: number };
  const { numBytesAllocatedInGPU } = (tf.backend() as WebGPUBackend).memory();
  for (let index = 3; index < 53; index++) await learner.step(index);
  expect(tf.memory()).toMatchObject({ numTensors, numBytesInGPU: before.numBytesInGPU });
  expect((tf.backend() as WebGPUBackend).memory().numBytesAllocatedInGPU).toBe(numBytesAllocatedInGPU);
  learner.dispose();
});
