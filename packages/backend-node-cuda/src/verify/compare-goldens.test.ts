import { openWasmBackend } from "@imagine-opd/backend-wasm";
import { openDirectory } from "@imagine-opd/host/node";
import type { FileSource } from "@imagine-opd/protocol";
import { goldenPath } from "@imagine-opd/test-kit";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, expect, test } from "vitest";
import { collectGoldens } from "../../test/collect-goldens.ts";
import { replaceKernel } from "../../test/replace-kernel.ts";
import { temporaryFolder } from "../../test/temporary-folder.ts";
import { compareGoldens } from "./compare-goldens.ts";
import { goldenFolder, openGoldens } from "./golden-files.ts";

// Fast, and there without a setup; native TensorFlow's turn is in tensorflow.test.ts.
beforeAll(async () => {
  await openWasmBackend();
});

const failed = async (files: FileSource = openGoldens()) =>
  (await compareGoldens(files, 1e-4)).rows.filter(({ passed }) => !passed).map(({ what }) => what);

test("the package carries what is collected from the repository's goldens, below 400 kB", async () => {
  const folder = temporaryFolder();
  await collectGoldens(goldenPath("."), openDirectory(folder));
  const [fresh, carried] = [openGoldens(folder), openGoldens()];
  const names = await fresh.list();
  expect(await carried.list()).toEqual(names);
  let size = 0;
  for (const name of names) {
    const bytes = await carried.read(name);
    expect(Buffer.compare(bytes, await fresh.read(name)), name).toBe(0);
    size += bytes.length;
  }
  expect(size).toBeLessThan(400e3);
});

test("the wasm backend agrees with transformers, and nothing is left", async () => {
  const before = tf.memory().numTensors;
  const { rows, worstError, reference } = await compareGoldens(openGoldens(), 1e-4);
  expect(tf.memory().numTensors).toBe(before);
  expect(rows.filter(({ passed }) => !passed)).toEqual([]);
  expect(rows).toHaveLength(2 * 2 + 1 + 12 + 58);
  expect(worstError).toBeLessThan(2e-5);
  expect(reference).toMatch(/^transformers \d.*, PyTorch \d/);
});

test("a kernel that is off by a thousandth shows in the logits", async () => {
  const restore = replaceKernel("OpdGeluTanh", (x) => tf.mul(x, 1.001));
  try {
    expect(await failed()).toContain("logits of the answer, student");
  } finally {
    restore();
  }
});

test("a gradient that is off by a thousandth shows in the gradients alone", async () => {
  const restore = replaceKernel("OpdSwiGluGradient", (...parts) => parts.map((part) => tf.mul(part, 1.001)));
  try {
    const wrong = await failed();
    expect(wrong.length).toBeGreaterThan(10);
    expect(wrong.filter((what) => !what.startsWith("gradient"))).toEqual([]);
  } finally {
    restore();
  }
});

test("a file that is gone is named", async () => {
  const files = openGoldens();
  const without = (missing: string): FileSource => ({
    ...files,
    read: (name, range) => (name === missing ? openGoldens("/nowhere").read(name) : files.read(name, range)),
  });
  await expect(compareGoldens(without("expected.json"), 1e-4)).rejects.toThrow(
    "backend-node-cuda.verify: the package has no expected.json in /nowhere.",
  );
  expect(goldenFolder()).toMatch(/backend-node-cuda.goldens$/);
});
