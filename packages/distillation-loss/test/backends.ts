import "@tensorflow/tfjs-backend-cpu";
import "@tensorflow/tfjs-backend-wasm";
import { findAddon, openNodeBackend } from "@imagine-opd/backend-node-cuda";
import { registerCoreGradients } from "@imagine-opd/tensor-ops";
import * as tf from "@tensorflow/tfjs-core";

type Backend = "cpu" | "wasm" | "tensorflow";

/** The backends that every property must hold on in plain Node; native TensorFlow where it was built. */
export const backends: readonly Backend[] =
  findAddon("cpu") === undefined ? ["cpu", "wasm"] : ["cpu", "wasm", "tensorflow"];
if (!backends.includes("tensorflow"))
  process.stderr.write("skipped: losses on tensorflow, which was not built (npm run setup-tensorflow)\n");

/** Makes a backend the one that computes. Stock wasm, without kernels of our own. */
export async function useBackend(name: Backend): Promise<void> {
  if (name === "tensorflow") await openNodeBackend({ device: "cpu" });
  else await tf.setBackend(name);
  registerCoreGradients();
}
