import { existsSync, readdirSync } from "node:fs";
import { findAddon, openNodeBackend } from "@imagine-opd/backend-node-cuda";
import { openWasmBackend } from "@imagine-opd/backend-wasm";
import { openWebgpuBackend } from "@imagine-opd/backend-webgpu";
import { isImagineOpdError } from "@imagine-opd/protocol";
import { registerCoreGradients } from "@imagine-opd/tensor-ops";
import * as tf from "@tensorflow/tfjs-core";

export const backendNames = ["auto", "cuda", "tensorflow-cpu", "webgpu", "wasm", "cpu"] as const;
export type BackendName = (typeof backendNames)[number];

/** What computes, as it is recorded with every result. */
export interface OpenedBackend {
  readonly name: Exclude<BackendName, "auto">;
  /** Whether the user asked for it by name. */
  readonly chosen: "by name" | "automatically";
  /** Which kernels are in use, and versions. */
  readonly details: Readonly<Record<string, unknown>>;
  /** Why `auto` did not take what comes before in its order. */
  readonly passedOver?: Readonly<Record<string, string>>;
}

const openers: Readonly<Record<OpenedBackend["name"], () => Promise<object>>> = {
  cuda: () => openNodeBackend({ device: "cuda" }),
  "tensorflow-cpu": () => openNodeBackend({ device: "cpu" }),
  webgpu: () => openWebgpuBackend(),
  wasm: () => openWasmBackend(),
  cpu: openPlainBackend,
};

/**
 * Opens a TensorFlow.js backend. `auto` takes cuda, tensorflow-cpu, webgpu or wasm: the first that is there and works. Native
 * TensorFlow is there once the setup of backend-node-cuda was run, or tfjs-node(-gpu) is installed; webgpu, of real GPUs alone,
 * with a driver for them; wasm is always there.
 */
export async function openBackend(name: BackendName): Promise<OpenedBackend> {
  if (name === "auto") return openFirst();
  return { name, chosen: "by name", details: { ...(await openers[name]()) } };
}

interface Candidate {
  readonly name: OpenedBackend["name"];
  /** Why it is not worth a try; `undefined` when it is. */
  readonly absent: () => string | undefined;
  readonly open: () => Promise<object>;
}

const candidates: readonly Candidate[] = [
  { name: "cuda", absent: () => absentAddon("cuda"), open: openers.cuda },
  { name: "tensorflow-cpu", absent: () => absentAddon("cpu"), open: openers["tensorflow-cpu"] },
  { name: "webgpu", absent: absentDriver, open: () => openWebgpuBackend({ softwareAdapter: "refuse" }) },
];

async function openFirst(): Promise<OpenedBackend> {
  const passedOver: Record<string, string> = {};
  for (const { name, absent, open } of candidates) {
    const reason = absent();
    if (reason !== undefined) {
      passedOver[name] = reason;
      continue;
    }
    try {
      return { name, chosen: "automatically", details: { ...(await open()) }, passedOver };
    } catch (error) {
      if (!isImagineOpdError(error)) throw error;
      passedOver[name] = error.message;
    }
  }
  return { name: "wasm", chosen: "automatically", details: { ...(await openers.wasm()) }, passedOver };
}

const absentAddon = (device: "cuda" | "cpu") => (findAddon(device) === undefined ? "not set up" : undefined);

/** Asked before Dawn is loaded, which complains on stderr where Vulkan is missing. */
function absentDriver(): string | undefined {
  const { platform, env } = process;
  if (platform !== "linux" || env.VK_DRIVER_FILES || env.VK_ICD_FILENAMES) return undefined;
  const folders = ["/etc/vulkan/icd.d", "/usr/share/vulkan/icd.d", "/usr/local/share/vulkan/icd.d"];
  const found = folders.some((folder) => existsSync(folder) && readdirSync(folder).length > 0);
  return found ? undefined : "no Vulkan driver";
}

async function openPlainBackend(): Promise<object> {
  // tfjs advertises its native package on the console when this backend stores its first tensor in Node, unless it is tested.
  tf.env().set("IS_TEST", true);
  await import("@tensorflow/tfjs-backend-cpu");
  await tf.setBackend("cpu");
  tf.scalar(0).dispose();
  tf.env().set("IS_TEST", false); // the tests' leak check would refuse our composed kernels
  registerCoreGradients();
  return { tfjs: tf.version_core };
}
