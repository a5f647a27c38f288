import { probe, probePassed } from "@imagine-opd/tensor-ops/probe";
import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import * as tf from "@tensorflow/tfjs-core";
import { afterEach, expect, test } from "vitest";
import { closeWebgpuBackend, isDeviceLostError, openWebgpuBackend } from "./index.ts";

afterEach(() => closeWebgpuBackend());

const lent = () => Object.getOwnPropertyNames(globalThis).filter((name) => /^GPU|^navigator$/.test(name));

test("opens in Node, passes the self-test and the probe, and takes back what it lent to the global scope", async () => {
  const before = lent();
  const report = await openWebgpuBackend();
  expect(report).toMatchObject({ backend: "webgpu", provider: "dawn" });
  expect(globalThis.navigator?.gpu).toBe(undefined);
  const rows = await probe();
  expect(rows.filter((row) => !probePassed([row]))).toEqual([]);
  expect(rows.length).toBeGreaterThan(60);
  closeWebgpuBackend();
  expect(lent()).toEqual(before);
}, 300_000);

test("a shader that does not compile, and a lost device, throw here as well", async () => {
  await openWebgpuBackend();
  const { device } = tf.backend() as WebGPUBackend;
  const x = tf.add(tf.ones([2]), 1);
  expect(Array.from(await x.data())).toEqual([2, 2]);
  device.createShaderModule({ label: "planted", code: "fn main() { nonsense }" });
  await expect(tf.tidy(() => tf.add(x, 1)).data()).rejects.toThrow("does not compile");
  await openWebgpuBackend();
  const y = tf.add(tf.ones([2]), 1);
  (tf.backend() as WebGPUBackend).device.destroy();
  await expect(y.data()).rejects.toSatisfy(isDeviceLostError);
}, 300_000);
