import { closeWasmBackend, openWasmBackend } from "@imagine-opd/backend-wasm";
import {
  closeWebgpuBackend,
  isDeviceLostError,
  openWebgpuBackend,
  reopenWebgpuBackend,
} from "@imagine-opd/backend-webgpu";
import type { StepResult } from "@imagine-opd/trainer";
import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import * as tf from "@tensorflow/tfjs-core";
import { afterEach, expect, test, vi } from "vitest";
import { openSceneRun, type SceneRun } from "./browser-scenes.ts";

afterEach(() => closeWebgpuBackend());

/** What a step computed, apart from times and memory. */
interface Step {
  readonly loss: number;
  readonly gradientNorm: number;
}

const stepOf = ({ metrics: { optimiser } }: StepResult): Step => ({
  loss: optimiser!.loss!,
  gradientNorm: optimiser!.gradientNorm!,
});

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

/** What a run needs to go on elsewhere. */
async function exportRun({ model, trainer }: SceneRun) {
  const weights = Object.entries(model.policy.trainable).map(
    async ([name, variable]) => [name, await variable.data()] as const,
  );
  return { weights: new Map(await Promise.all(weights)), state: await trainer.exportState() };
}

async function importRun({ weights, state }: Awaited<ReturnType<typeof exportRun>>): Promise<SceneRun> {
  const run = await openSceneRun();
  for (const [name, variable] of Object.entries(run.model.policy.trainable)) {
    const saved = tf.tensor(weights.get(name)!, variable.shape);
    variable.assign(saved);
    saved.dispose();
  }
  run.trainer.importState(state);
  return run;
}

test("a device lost in a step: the trainer goes on from its exported state with the losses of an undisturbed run", async () => {
  await openWebgpuBackend();
  const whole = await openSceneRun();
  const expected: Step[] = [];
  for (let step = 0; step < 3; step++) expected.push(stepOf(await whole.trainer.next()));
  whole.dispose();
  expect(new Set(expected.map(({ loss }) => loss)).size).toBe(3);
  const tensors = tf.memory().numTensors;

  let run = await openSceneRun();
  const steps = [stepOf(await run.trainer.next())];
  const saved = await exportRun(run);
  const { head } = run.model.policy;
  const { backward } = head;
  // In the second micro-batch: the first one's gradients are there, and no weight has moved.
  vi.spyOn(head, "backward")
    .mockImplementationOnce(backward)
    .mockImplementationOnce((...given) => {
      (tf.backend() as WebGPUBackend).device.destroy();
      return backward(...given);
    });
  await expect(run.trainer.next()).rejects.toSatisfy(isDeviceLostError);
  expect(head.backward).toHaveBeenCalledTimes(2);
  expect(run.trainer.step).toBe(1);
  run.dispose();
  await reopenWebgpuBackend();
  run = await importRun(saved);
  for (let step = 1; step < 3; step++) steps.push(stepOf(await run.trainer.next()));
  run.dispose();
  expect(steps).toEqual(expected);
  expect(tf.memory().numTensors).toBe(tensors);
}, 600_000);
