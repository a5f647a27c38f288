import * as tf from "@tensorflow/tfjs-core";
import { afterEach, expect, test } from "vitest";
import { fakeTfjsNode } from "../test/fake-tfjs-node.ts";
import { loadKernels } from "./load-kernels.ts";

afterEach(() => {
  if (tf.getKernel("Fake", "tensorflow") !== undefined) tf.unregisterKernel("Fake", "tensorflow");
});

test("the files get this tfjs-core, and the functions that Node 23 removed", () => {
  const Backend = loadKernels(fakeTfjsNode());
  const binding = { TF_Version: "0" } as never;
  const backend = new Backend(binding, "@tensorflow/tfjs-node");
  expect(backend).toBeInstanceOf(tf.KernelBackend);
  expect(backend).toMatchObject({ binding, packageName: "@tensorflow/tfjs-node" });
  const { kernelFunc } = tf.getKernel("Fake", "tensorflow");
  expect(kernelFunc({ inputs: {}, backend })).toEqual([true, false, true]);
});

test("a file that wants more than tfjs-node 4.22 does is refused by what it wants", () => {
  const folder = fakeTfjsNode({ "dist/nodejs_kernel_backend.js": 'require("left-pad");' });
  expect(() => loadKernels(folder)).toThrow(
    /the JavaScript of tfjs-node in .* does not run: .*nodejs_kernel_backend\.js requires left-pad, which tfjs-node 4\.22 does not/,
  );
});

test("a folder without the files is refused", () => {
  expect(() => loadKernels("/nowhere")).toThrow(/the JavaScript of tfjs-node in \/nowhere does not run: ENOENT/);
});
