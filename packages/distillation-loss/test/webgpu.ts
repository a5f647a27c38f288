import "@tensorflow/tfjs-backend-webgpu";
import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import * as tf from "@tensorflow/tfjs-core";
import { afterEach, expect } from "vitest";

const deviceErrors: string[] = [];

/** Makes WebGPU compute, everything on the device. */
export async function useWebgpu(): Promise<void> {
  // Otherwise tfjs computes small tensors on the cpu.
  tf.env().set("WEBGPU_CPU_FORWARD", false);
  await tf.setBackend("webgpu");
  const { device } = webgpuBackend();
  if (device.onuncapturederror !== null) return;
  device.onuncapturederror = ({ error }) => void deviceErrors.push(error.message);
  void device.lost.then(({ reason, message }) => deviceErrors.push(`lost, ${reason}: ${message}`));
}

export function webgpuBackend(): WebGPUBackend {
  return tf.findBackend("webgpu") as WebGPUBackend;
}

/** Fails tests in which the device reports an error: WGSL that does not compile gives zeros and throws nothing. */
export function failOnDeviceErrors(): void {
  afterEach(async () => {
    await webgpuBackend()
      .device.queue.onSubmittedWorkDone()
      .catch(() => {});
    expect(deviceErrors.splice(0)).toEqual([]);
  });
}

/** Names of the programs that a run dispatches. */
export async function recordPrograms(run: () => tf.TensorContainer): Promise<string[]> {
  const backend = webgpuBackend();
  const original = backend.runWebGPUProgram;
  const names: string[] = [];
  backend.runWebGPUProgram = function (program, ...rest) {
    names.push(program.constructor === Object ? program.shaderKey.split(":")[0]! : program.constructor.name);
    return original.call(this, program, ...rest);
  };
  try {
    tf.dispose(run());
  } finally {
    backend.runWebGPUProgram = original;
  }
  return names;
}
