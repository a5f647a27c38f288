import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, expect, test } from "vitest";
import { checksum, commonChecks, integers, runKernelChecks, tableChecks } from "./index.ts";

beforeAll(() => tf.setBackend("cpu"));

const at = { where: "backend.open", remedy: "Look again." };
const check = { kernel: "Sum", what: "two ones", run: () => tf.ones([2]), expected: [1, 1], tolerance: 0 };

test("tfjs's cpu backend passes, and nothing is left behind", async () => {
  const before = tf.memory().numTensors;
  await runKernelChecks([...commonChecks, ...tableChecks], at);
  await runKernelChecks([], at);
  expect(tf.memory().numTensors).toBe(before);
});

test("a checksum notices a wrong and a misplaced element", () => {
  tf.tidy(() => {
    expect([...integers([2, 3], 3).dataSync()]).toEqual([-5, -2, 1, 4, -4, -1]);
    expect(checksum(tf.tensor2d([[1, 2]])).dataSync()).toEqual(Float32Array.of(5));
    expect(checksum(tf.tensor2d([[2, 1]])).dataSync()).toEqual(Float32Array.of(4));
  });
});

test("the first wrong check in order is named, and the others are finished", async () => {
  const before = tf.memory().numTensors;
  const wrong = { ...check, kernel: "Prod", expected: [1, 2] };
  const throwing = { ...check, run: () => tf.tidy(() => tf.reshape(tf.ones([2]), [3])) };
  const run = runKernelChecks([check, wrong, throwing, check], at);
  await expect(run).rejects.toMatchObject({ code: "mismatch", details: { kernel: "Prod", got: [1, 1] } });
  await expect(run).rejects.toThrow(
    "backend.open: the kernel Prod (two ones) should give [1,2] and gave [1,1]. Look again.",
  );
  await expect(runKernelChecks([throwing, wrong], at)).rejects.toThrow("Size(2) must match the product of shape 3");
  expect(tf.memory().numTensors).toBe(before);
});

test.each([
  ["another length", [1]],
  ["not a number", [1, Number.NaN]],
])("%s is wrong", async (_what, expected) => {
  await expect(runKernelChecks([{ ...check, expected }], at)).rejects.toMatchObject({ code: "mismatch" });
});
