import { openWasmBackend } from "@imagine-opd/backend-wasm";
import { registerCoreGradients } from "@imagine-opd/tensor-ops";
import * as tf from "@tensorflow/tfjs-core";

export const backendNames = ["auto", "wasm", "cpu"] as const;
export type BackendName = (typeof backendNames)[number];

/** What computes, as it is recorded with every result. */
export interface OpenedBackend {
  readonly name: "wasm" | "cpu";
  /** Whether the user asked for it by name. */
  readonly chosen: "by name" | "automatically";
  /** Which kernels are in use, and versions. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** Opens a TensorFlow.js backend. `auto` takes wasm, the fastest that needs nothing beyond this repository. */
export async function openBackend(name: BackendName): Promise<OpenedBackend> {
  const chosen = name === "auto" ? "automatically" : "by name";
  if (name !== "cpu") return { name: "wasm", chosen, details: { ...(await openWasmBackend()) } };
  // tfjs advertises its native package on the console when this backend starts in Node.
  tf.env().set("IS_TEST", true);
  await import("@tensorflow/tfjs-backend-cpu");
  await tf.setBackend("cpu");
  registerCoreGradients();
  return { name: "cpu", chosen, details: { tfjs: tf.version_core } };
}
