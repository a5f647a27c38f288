import { closeWasmBackend, openWasmBackend } from "@imagine-opd/backend-wasm";
import { closeWebgpuBackend, openWebgpuBackend } from "@imagine-opd/backend-webgpu";
import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import * as tf from "@tensorflow/tfjs-core";
import { afterEach, expect, test } from "vitest";
import { openSceneRun, type Step, stepOf } from "./browser-scenes.ts";

afterEach(() => closeWebgpuBackend());

const memory = () => ({
  tensors: tf.memory().numTensors,
  used: (tf.backend() as WebGPUBackend).memory().numBytesInGPU,
  allocated: (tf.backend() as WebGPUBackend).memory().numBytesAllocatedInGPU,
});

const relativeError = (got: number, expected: number) => Math.abs(got - expected) / Math.abs(expected);

test("five steps on replayed rollouts lose what they lose on wasm, and memory stays flat", async () => {
  // The root of the test server is the repository.
  await openWasmBackend({
    wasmPaths: new URL("/node_modules/@tensorflow/tfjs-backend-wasm/dist/", globalThis.location.origin).href,
  });
  const onWasm = await openSceneRun();
  const expected: Step[] = [];
  for (let step = 0; step < 5; step++) expected.push(stepOf(await onWasm.trainer.next()));
  onWasm.dispose();
  closeWasmBackend();
  // Something to be learned, and something learned: else any two runs would agree.
  expect(expected[0]!.gradientNorm).toBeGreaterThan(1e-3);
  expect(expected[4]!.loss).toBeLessThan(expected[0]!.loss);

  await openWebgpuBackend();
  const onWebgpu = await openSceneRun();
  const steps: Step[] = [];
  const used: ReturnType<typeof memory>[] = [];
  for (let step = 0; step < 5; step++) {
    steps.push(stepOf(await onWebgpu.trainer.next()));
    used.push(memory());
  }
  onWebgpu.dispose();
  for (const [step, { loss, gradientNorm }] of steps.entries()) {
    const tolerance = step === 0 ? 1e-4 : 1e-3;
    expect(relativeError(loss, expected[step]!.loss), `loss of step ${step + 1}`).toBeLessThan(tolerance);
    const ofGradient = relativeError(gradientNorm, expected[step]!.gradientNorm);
    expect(ofGradient, `gradient norm of step ${step + 1}`).toBeLessThan(1e-3);
  }
  // Later steps find every buffer that they need among those freed before.
  for (const later of used.slice(1)) expect(later).toEqual(used[0]);
}, 600_000);
