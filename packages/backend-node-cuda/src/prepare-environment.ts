import type { NodeDevice } from "./backend-report.ts";

/**
 * Sets what TensorFlow and CUDA read from the environment when they are loaded, and only then. A log level or a memory policy
 * that is set already stays.
 */
export function prepareEnvironment(
  { device, tf32 }: { readonly device: NodeDevice; readonly tf32: "on" | "off" },
  env: NodeJS.ProcessEnv = process.env,
): void {
  env.TF_CPP_MIN_LOG_LEVEL ??= "3";
  if (device === "cpu") return;
  // Otherwise TensorFlow takes the whole card at the first op.
  env.TF_FORCE_GPU_ALLOW_GROWTH ??= "true";
  // 0 forbids TF32 in every NVIDIA library, whatever TensorFlow asks for; unset, TensorFlow asks for it.
  if (tf32 === "off") env.NVIDIA_TF32_OVERRIDE = "0";
  else delete env.NVIDIA_TF32_OVERRIDE;
}
