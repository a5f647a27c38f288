import {
  closeWebgpuBackend,
  isDeviceLostError,
  openWebgpuBackend,
  reopenWebgpuBackend,
} from "@imagine-opd/backend-webgpu";
import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import * as tf from "@tensorflow/tfjs-core";
import { afterEach, expect, test, vi } from "vitest";
import { openSceneRun, type SceneRun, type Step, stepOf } from "./browser-scenes.ts";

afterEach(() => closeWebgpuBackend());

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
