import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import { type ProbeRow, probe, probePassed } from "./index.ts";

beforeAll(async () => {
  tf.env().set("IS_TEST", true); // silences tfjs's advertisement, and lets it check kernels for leaks
  await tf.setBackend("cpu");
});

const failures = (rows: readonly ProbeRow[]) => rows.filter((row) => !probePassed([row]));
const find = (rows: readonly ProbeRow[], op: string) => rows.find((row) => row.op === op)!;

/** Probes with one kernel changed, then puts the own one back. */
async function withKernel(name: string, change: ((own: tf.KernelFunc) => tf.KernelFunc) | "removed") {
  const own = tf.getKernel(name, "cpu");
  tf.unregisterKernel(name, "cpu");
  if (change !== "removed") tf.registerKernel({ ...own, kernelFunc: change(own.kernelFunc) });
  try {
    return await probe();
  } finally {
    if (change !== "removed") tf.unregisterKernel(name, "cpu");
    tf.registerKernel(own);
  }
}

async function withGradient(name: string, gradFunc: (own: tf.GradFunc) => tf.GradFunc) {
  const own = tf.getGradient(name);
  tf.unregisterGradient(name);
  tf.registerGradient({ ...own, gradFunc: gradFunc(own.gradFunc) });
  try {
    return await probe();
  } finally {
    tf.unregisterGradient(name);
    tf.registerGradient(own);
  }
}

test("tfjs's cpu backend passes, and nothing is left", async () => {
  await probe(); // registers what is registered once
  const before = tf.memory().numTensors;
  const rows = await probe();
  expect(failures(rows)).toEqual([]);
  expect(probePassed(rows)).toBe(true);
  expect(Math.max(...rows.map(({ worstError }) => worstError))).toBeLessThan(1e-5);
  expect(rows.filter(({ gradient }) => gradient === "ok").length).toBeGreaterThan(40);
  expect(new Set(rows.map(({ op }) => op)).size).toBe(rows.length);
  expect(tf.memory().numTensors).toBe(before);
});

describe("planted faults", () => {
  test("a wrong kernel", async () => {
    const rows = await withKernel(
      "Tanh",
      () =>
        ({ inputs }) =>
          tf.mul(inputs.x as tf.Tensor, 0.5),
    );
    expect(find(rows, "tanh")).toMatchObject({ forward: "wrong", gradient: "not run" });
    expect(find(rows, "tanh").problem).toMatch(/^the value is -?[\d.]+ at \d+ instead of -?[\d.]+$/);
    expect(find(rows, "exp")).toMatchObject({ forward: "ok", gradient: "ok" });
    expect(probePassed(rows)).toBe(false);
  });

  test("a kernel that is wrong only for transposed operands shows in a gradient alone", async () => {
    const rows = await withKernel("BatchMatMul", (own) => (parameters) => {
      const { transposeA, transposeB } = parameters.attrs as { transposeA: boolean; transposeB: boolean };
      const product = own(parameters) as tf.TensorInfo;
      if (!transposeA || transposeB) return product;
      return tf.tidy(() => tf.mul(tf.engine().makeTensorFromTensorInfo(product), 0.5));
    });
    expect(find(rows, "linear")).toMatchObject({ forward: "ok", gradient: "wrong" });
    expect(find(rows, "linear").problem).toMatch(/^the gradient of input 1 is /);
    expect(find(rows, "decoder layer")).toMatchObject({ forward: "ok", gradient: "wrong" });
  });

  test("a wrong gradient of a right kernel", async () => {
    const rows = await withGradient("OpdSwiGlu", () => (dy) => {
      const wrong = () => tf.mul(dy as tf.Tensor, 1.001);
      return [wrong, wrong] as never;
    });
    expect(failures(rows).map(({ op }) => op)).toEqual(["swiGlu", "decoder layer", "decoder layer, recomputed"]);
  });

  test("a missing kernel, in the forward and in the backward pass", async () => {
    const before = tf.memory().numTensors;
    const rows = await withKernel("UnsortedSegmentSum", "removed");
    expect(find(rows, "unsortedSegmentSum, repeated and empty segments").forward).toBe("missing");
    expect(find(rows, "takeRows, repeated rows")).toMatchObject({ forward: "ok", gradient: "missing" });
    expect(find(rows, "takeRows, repeated rows").problem).toBe(
      "Kernel 'UnsortedSegmentSum' not registered for backend 'cpu'",
    );
    expect(failures(rows).length).toBe(2);
    expect(tf.memory().numTensors).toBe(before);
  });

  test("a kernel that throws, and one that gives NaN", async () => {
    const thrown = await withKernel("Concat", () => () => {
      throw new Error("device lost");
    });
    expect(find(thrown, "concat, axis 0")).toMatchObject({
      forward: "error",
      problem: "device lost",
      worstError: Number.POSITIVE_INFINITY,
    });
    const notANumber = await withKernel(
      "Sqrt",
      () =>
        ({ inputs }) =>
          tf.fill(inputs.x!.shape, Number.NaN),
    );
    expect(find(notANumber, "sqrt")).toMatchObject({ forward: "wrong", worstError: Number.POSITIVE_INFINITY });
  });

  test("after all of them the backend is whole again", async () => {
    expect(failures(await probe())).toEqual([]);
  });
});

test("a tolerance of 0 is refused", async () => {
  await expect(probe({ tolerance: 0 })).rejects.toThrow("tensor-ops.probe: `tolerance` must be above 0, got 0.");
});
