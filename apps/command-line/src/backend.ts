import { findAddon, openNodeBackend } from "@imagine-opd/backend-node-cuda";
import { openWasmBackend } from "@imagine-opd/backend-wasm";
import { isImagineOpdError } from "@imagine-opd/protocol";
import { registerCoreGradients } from "@imagine-opd/tensor-ops";
import * as tf from "@tensorflow/tfjs-core";

export const backendNames = ["auto", "cuda", "tensorflow-cpu", "wasm", "cpu"] as const;
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
  wasm: () => openWasmBackend(),
  cpu: openPlainBackend,
};

/**
 * Opens a TensorFlow.js backend. `auto` takes cuda, tensorflow-cpu or wasm: the first that is there and works. Native
 * TensorFlow is there once the setup of backend-node-cuda was run, or tfjs-node(-gpu) is installed; wasm is always there.
 */
export async function openBackend(name: BackendName): Promise<OpenedBackend> {
  if (name === "auto") return openFirst();
  return { name, chosen: "by name", details: { ...(await openers[name]()) } };
}

async function openFirst(): Promise<OpenedBackend> {
  const passedOver: Record<string, string> = {};
  const natives = [
    { name: "cuda", device: "cuda" },
    { name: "tensorflow-cpu", device: "cpu" },
  ] as const;
  for (const { name, device } of natives) {
    if (findAddon(device) === undefined) {
      passedOver[name] = "not set up";
      continue;
    }
    try {
      return { name, chosen: "automatically", details: { ...(await openers[name]()) }, passedOver };
    } catch (error) {
      if (!isImagineOpdError(error)) throw error;
      passedOver[name] = error.message;
    }
  }
  return { name: "wasm", chosen: "automatically", details: { ...(await openers.wasm()) }, passedOver };
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
