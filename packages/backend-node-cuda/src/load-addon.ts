import { constants } from "node:os";
import { ImagineOpdError } from "@imagine-opd/protocol";
import type { Binding } from "./binding.ts";

const where = "backend-node-cuda.openNodeBackend";

/**
 * Loads tfjs-node's native addon, and TensorFlow with it.
 * @throws missing-part when it or a library it needs does not load
 */
export function loadAddon(path: string): Binding {
  const module: { exports: Partial<Binding> } = { exports: {} };
  try {
    process.dlopen(module, path, constants.dlopen.RTLD_NOW);
  } catch (cause) {
    throw new ImagineOpdError("missing-part", {
      where,
      problem: `the native addon ${path} does not load: ${cause instanceof Error ? cause.message : String(cause)}.`,
      remedy: "Build it for this machine: npx @imagine-opd/backend-node-cuda setup --device cuda (or cpu).",
      details: { addon: path },
      cause,
    });
  }
  const { exports: binding } = module;
  if (typeof binding.isUsingGpuDevice !== "function" || typeof binding.TF_Version !== "string") {
    throw new ImagineOpdError("unsupported", {
      where,
      problem: `${path} is a native addon, but not the binding of tfjs-node 4.22.`,
      remedy: "Pass the path of a tfjs_binding.node.",
      details: { addon: path },
    });
  }
  return binding as Binding;
}
