// Runs on the TensorFlow that `setup --device cpu` built; skipped, with a word, where there is none.
import { checkGradient, waves } from "@imagine-opd/test-kit";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { replaceKernel } from "../test/replace-kernel.ts";
import { findAddon, openNodeBackend } from "./index.ts";
import { runSelfTest } from "./self-test.ts";
import { verifyBackend } from "./verify/verify-backend.ts";

const found = findAddon("cpu");
if (found === undefined)
  process.stderr.write("skipped: tests on TensorFlow, which was not built (npm run setup-tensorflow)\n");

const read = (make: () => tf.Tensor): number[] => Array.from(tf.tidy(() => make().dataSync()));

describe.skipIf(found === undefined)("TensorFlow on the CPU", () => {
  beforeAll(() => openNodeBackend({ device: "cpu" }));

  test("the report names what runs, and a second call gives the same", async () => {
    const report = await openNodeBackend({ device: "cpu" });
    expect(report).toEqual({
      backend: "tensorflow",
      device: "cpu",
      tensorflow: expect.stringMatching(/^\d+\.\d+\.\d+/),
      tfjs: "4.22.0",
      addon: found!.addon,
      source: found!.source,
      products: "float32",
      kernels: { GatherV2: "ours", Multinomial: "ours" },
    });
    expect(tf.getBackend()).toBe("tensorflow");
  });

  test("cuda is refused by the same library, and leaves the backend as it was", async () => {
    await expect(openNodeBackend({ device: "cuda" })).rejects.toMatchObject({ code: "mismatch" });
    expect(tf.getBackend()).toBe("tensorflow");
  });

  test("every operation of training is right, and the losses are the stored ones", async () => {
    const before = tf.memory().numTensors;
    const report = await verifyBackend({ device: "cpu" });
    expect(report.operations.failed).toEqual([]);
    expect(report.operations.checked).toBeGreaterThan(50);
    expect(report.goldens).toMatchObject({ checked: 75, failed: [], tolerance: 1e-4 });
    expect(report.goldens.worstError).toBeLessThan(2e-5);
    expect(report.training.difference).toBeLessThan(3e-5);
    expect(report.training.losses).toHaveLength(20);
    expect(report.passed).toBe(true);
    expect(tf.memory().numTensors).toBe(before);
  });

  test("a kernel of the device that is off by a thousandth fails the goldens, and with them the report", async () => {
    const restore = replaceKernel("Mean", (x) => tf.mul(x, 1.001));
    try {
      const report = await verifyBackend({ device: "cpu" });
      expect(report.goldens.failed.map(({ what }) => what)).toContain("logits of the answer, teacher");
      expect(report.goldens.worstError).toBeGreaterThan(1e-4);
      expect(report.passed).toBe(false);
    } finally {
      restore();
    }
  });

  test("a gather reads nothing back, and takes batch axes and negative ones", () => {
    const readSync = vi.spyOn(tf.backend(), "readSync");
    const gathered = tf.tidy(() =>
      tf.keep(tf.gather(tf.tensor2d([1, 2, 3, 4], [2, 2]), tf.tensor1d([1, 1], "int32"), -1)),
    );
    expect(readSync).not.toHaveBeenCalled();
    readSync.mockRestore();
    expect(Array.from(gathered.dataSync())).toEqual([2, 2, 4, 4]);
    gathered.dispose();
    const batched = () => tf.gather(tf.tensor2d([1, 2, 3, 4], [2, 2]), tf.tensor2d([1, 0], [2, 1], "int32"), 1, 1);
    expect(read(batched)).toEqual([2, 3]);
  });

  test("an index outside the axis is an error, before and after it went to TensorFlow", () => {
    const before = tf.memory().numTensors;
    const table = tf.tensor1d([1, 2]);
    const fresh = tf.tensor1d([5], "int32");
    expect(() => tf.gather(table, fresh)).toThrow("index 5 (at 0) is outside the axis of length 2.");
    const computed = tf.tidy(() => tf.add(fresh, tf.scalar(1, "int32")));
    expect(() => tf.gather(table, computed)).toThrow("indices[0] = 6 is not in [0, 2)");
    tf.dispose([table, fresh, computed]);
    expect(tf.memory().numTensors).toBe(before);
  });

  test("a draw repeats with its seed, differs with another, and takes probabilities", () => {
    const logits = tf.tensor2d([0.7, 0.2, 0.1].map(Math.log), [1, 3]);
    const draw = (seed: number) => read(() => tf.multinomial(logits, 200, seed));
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
    const share = (ids: number[]) => ids.filter((id) => id === 0).length / ids.length;
    expect(Math.abs(share(draw(7)) - 0.7)).toBeLessThan(0.15);
    const probabilities = tf.tensor2d([0.98, 0.02], [1, 2]);
    expect(share(read(() => tf.multinomial(probabilities, 1000, 7, true)))).toBeGreaterThan(0.95);
    tf.dispose([logits, probabilities]);
  });

  test("kernels that call methods of tensors have them", () => {
    expect(read(() => tf.exp(tf.tensor1d([1], "int32")))[0]).toBeCloseTo(Math.E, 6);
    expect(read(() => tf.argMax(tf.tensor1d([false, true], "bool")))).toEqual([1]);
    expect(read(() => tf.prelu(tf.tensor1d([-1, 2]), tf.tensor1d([0.5, 0.5])))).toEqual([-0.5, 2]);
  });

  test("the gradient of a product with a broadcast row", () => {
    const inputs = [waves([3, 4]), waves([4, 2], 1), waves([2], 2)];
    checkGradient((x, w, b) => tf.square(tf.add(tf.matMul(x!, w!), b!)), inputs);
    tf.dispose(inputs);
  });

  test.each(["BatchMatMul", "GatherV2", "UnsortedSegmentSum", "Softmax"])(
    "the self-test notices a wrong %s",
    async (name) => {
      const config = tf.getKernel(name, "tensorflow");
      const wrong: tf.KernelFunc = (args) => {
        const out = config.kernelFunc(args) as tf.Tensor;
        const shifted = tf.add(out, 0.001);
        out.dispose();
        return shifted;
      };
      tf.unregisterKernel(name, "tensorflow");
      tf.registerKernel({ ...config, kernelFunc: wrong });
      const before = tf.memory().numTensors;
      try {
        await expect(runSelfTest()).rejects.toMatchObject({ code: "mismatch", details: { kernel: name } });
        expect(tf.memory().numTensors).toBe(before);
      } finally {
        tf.unregisterKernel(name, "tensorflow");
        tf.registerKernel(config);
      }
      await runSelfTest();
    },
  );
});
