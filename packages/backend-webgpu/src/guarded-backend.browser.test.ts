import { type WebGPUBackend, type WebGPUProgram, webgpu_util } from "@tensorflow/tfjs-backend-webgpu";
import * as tf from "@tensorflow/tfjs-core";
import { afterEach, describe, expect, test, vi } from "vitest";
import { closeWebgpuBackend, isDeviceLostError, openWebgpuBackend, reopenWebgpuBackend } from "./index.ts";

afterEach(() => closeWebgpuBackend());

const backend = () => tf.backend() as WebGPUBackend;

/** A program of one input with the code given. */
function runCode(code: string, shaderKey: string): tf.Tensor {
  const outputShape = [4];
  const dispatchLayout = webgpu_util.flatDispatchLayout(outputShape);
  const program: WebGPUProgram = {
    variableNames: ["x"],
    workgroupSize: [64, 1, 1],
    outputShape,
    dispatchLayout,
    dispatch: [1, 1, 1],
    shaderKey,
    getUserCode: () => `fn main(index : i32) { ${code} }`,
  };
  const x = tf.ones([4]);
  const result = backend().runWebGPUProgram(program, [x], "float32");
  x.dispose();
  return tf.engine().makeTensorFromTensorInfo(result);
}

describe("a shader that does not compile", () => {
  test("never reads as zeros: this result, every later one and every later operation throw its name", async () => {
    await openWebgpuBackend();
    const early = tf.add(tf.ones([2]), 1);
    expect(Array.from(await early.data())).toEqual([2, 2]);
    const wrong = runCode("if (index < 4) { result[index] = x[index] + nonsense; }", "plantedSum");
    const derived = tf.mul(wrong, 0);
    const failure = {
      code: "unsupported",
      message: expect.stringMatching(/the shader plantedSum.* does not compile: .*unresolved value 'nonsense'/s),
      details: { shader: expect.stringContaining("plantedSum") },
    };
    await expect(derived.data()).rejects.toMatchObject(failure);
    await expect(wrong.data()).rejects.toMatchObject(failure);
    await expect(early.data()).rejects.toMatchObject(failure);
    expect(() => tf.square(tf.ones([2]))).toThrow("plantedSum");
    await reopenWebgpuBackend();
    const next = tf.square(tf.tensor1d([3]));
    expect(await next.data()).toEqual(Float32Array.of(9));
    tf.dispose([early, wrong, derived, next]);
  });

  test("a right program of the same shape computes", async () => {
    await openWebgpuBackend();
    const right = runCode("if (index < 4) { result[index] = x[index] + f32(uniforms.outShape) - 3.0; }", "plantedSum");
    expect(await right.data()).toEqual(Float32Array.of(2, 2, 2, 2));
    right.dispose();
  });

  test("a command that the device refuses throws as well", async () => {
    await openWebgpuBackend();
    // An input that the code does not use falls out of the layout, and the bindings no longer fit.
    const unbound = runCode("if (index < 4) { result[index] = 1.0; }", "unusedInput");
    await expect(unbound.data()).rejects.toMatchObject({
      code: "unsupported",
      message: expect.stringContaining("backend-webgpu: the device refused a command: "),
    });
    unbound.dispose();
  });
});

describe("error scopes of the caller", () => {
  test("get their own errors, also around a read", async () => {
    await openWebgpuBackend();
    const { device } = backend();
    device.pushErrorScope("validation");
    const unbound = runCode("if (index < 4) { result[index] = 1.0; }", "unusedInput");
    await unbound.data();
    await expect(device.popErrorScope()).resolves.toMatchObject({ message: expect.stringContaining("binding index") });
    const x = tf.add(tf.ones([2]), 1);
    expect(Array.from(await x.data())).toEqual([2, 2]);
    tf.dispose([unbound, x]);
  });
});

describe("a tensor of 200 MiB where a shader sees 128 MiB", () => {
  const limit = 128 * 2 ** 20;
  const width = 1024;
  const rows = (200 * 2 ** 20) / 4 / width;
  const bytes = 4 * rows * width;

  test("is right in every row where it is computed in blocks, and never zeros", async () => {
    await openWebgpuBackend({ limits: { maxStorageBufferBindingSize: limit } });
    const sums = tf.tidy(() => {
      const table = tf.fill([rows, width], 2);
      const ofRows = tf.sum(tf.add(table, 1), 1);
      const last = tf.sum(tf.gather(table, tf.tensor1d([rows - 1], "int32")), 1);
      const product = tf.matMul(tf.ones<tf.Rank.R2>([1, width]), table as tf.Tensor2D, false, true);
      return [ofRows, last, tf.reshape(product, [rows])];
    });
    const [ofRows, last, product] = await Promise.all(sums.map((sum) => sum.data()));
    expect(ofRows!.every((sum) => sum === 3 * width)).toBe(true);
    expect(last).toEqual(Float32Array.of(2 * width));
    expect(product!.every((sum) => sum === 2 * width)).toBe(true);
    expect([ofRows!.length, product!.length]).toEqual([rows, rows]);
    tf.dispose(sums);
  });

  test("throws with its sizes where it is not, before memory is asked for", async () => {
    await openWebgpuBackend({ limits: { maxStorageBufferBindingSize: limit } });
    const allocated = () => backend().memory().numBytesAllocatedInGPU;
    const before = allocated();
    const large = tf.zeros([rows, width]);
    expect(() => tf.transpose(large)).toThrow(
      `the result [${width},${rows}] of the program transposeShared needs ${bytes} bytes, and this device binds at most ${limit} bytes at once.`,
    );
    const failure = { code: "limit-exceeded", details: { bytes, limit } };
    try {
      tf.cumsum(large, 1);
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject(failure);
    }
    const { maxBufferSize } = backend().device.limits;
    const beyond = maxBufferSize / 4 / width + 64;
    expect(() => tf.fill([beyond, width], 2)).toThrow(`and a buffer of this device holds at most ${maxBufferSize}.`);
    expect(allocated() - before).toBeLessThan(2 ** 20);
    large.dispose();
  });

  test("the largest that fits computes", async () => {
    await openWebgpuBackend({ limits: { maxStorageBufferBindingSize: limit } });
    const ones = tf.fill([limit / 4 / width, width], 1);
    const sums = tf.sum(ones, 1);
    expect((await sums.data()).every((sum) => sum === width)).toBe(true);
    tf.dispose([ones, sums]);
  });
});

describe("a synchronous read", () => {
  test("is refused for what is on the device, and works for what is on the host", async () => {
    await openWebgpuBackend();
    const onHost = tf.tensor1d([1, 2]);
    expect(Array.from(onHost.dataSync())).toEqual([1, 2]);
    const onDevice = tf.add(onHost, 1);
    expect(() => onDevice.dataSync()).toThrow("cannot wait for the GPU. Use await tensor.data()");
    await onDevice.data();
    expect(Array.from(onDevice.dataSync())).toEqual([2, 3]);
    tf.dispose([onHost, onDevice]);
  });
});

describe("a lost device", () => {
  test("is an event, and from then on every operation and every read throws", async () => {
    const lost = vi.fn();
    await openWebgpuBackend({ onDeviceLost: lost });
    const x = tf.add(tf.ones([2]), 1);
    const pending = x.data().then(
      (values) => expect(Array.from(values)).toEqual([2, 2]),
      (error) => expect(isDeviceLostError(error)).toBe(true),
    );
    backend().device.destroy();
    const after = tf.add(tf.ones([2]), 1);
    await expect(after.data()).rejects.toSatisfy(isDeviceLostError);
    await pending;
    expect(lost).toHaveBeenCalledExactlyOnceWith({ reason: "destroyed", message: expect.any(String) });
    expect(() => tf.add(after, 1)).toThrow("backend-webgpu: device-lost: the GPU device is gone");
    await expect(x.data()).rejects.toMatchObject({ code: "missing-part", details: { deviceLost: true } });
    await reopenWebgpuBackend();
    expect(() => tf.add(x, 1)).toThrow("closed since");
    const tensors = tf.memory().numTensors;
    tf.dispose([x, after]);
    expect(tf.memory().numTensors).toBe(tensors - 2);
  });

  test("closing is no loss", async () => {
    const lost = vi.fn();
    await openWebgpuBackend({ onDeviceLost: lost });
    const { device } = backend();
    closeWebgpuBackend();
    await device.lost;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(lost).not.toHaveBeenCalled();
  });
});
