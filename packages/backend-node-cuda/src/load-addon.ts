import { existsSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { ImagineOpdError } from "@imagine-opd/protocol";
import type { Binding } from "./binding.ts";
import { quietFile } from "./cache.ts";

const where = "backend-node-cuda.openNodeBackend";

function load(path: string): unknown {
  const module = { exports: {} };
  process.dlopen(module, path, constants.dlopen.RTLD_NOW);
  return module.exports;
}

/** Whether only errors are wanted of TensorFlow's log, and a build is there that can say so in time. */
function quietBeside(path: string, env: NodeJS.ProcessEnv): string | undefined {
  const quiet = join(dirname(path), quietFile);
  return Number(env.TF_CPP_MIN_LOG_LEVEL) >= 2 && existsSync(quiet) ? quiet : undefined;
}

/**
 * Loads tfjs-node's native addon, and TensorFlow with it.
 * @throws missing-part when it or a library it needs does not load
 */
export function loadAddon(path: string): Binding {
  let binding: Partial<Binding>;
  try {
    const quiet = quietBeside(path, process.env);
    if (quiet !== undefined) load(quiet);
    binding = load(path) as Partial<Binding>;
  } catch (cause) {
    throw new ImagineOpdError("missing-part", {
      where,
      problem: `the native addon ${path} does not load: ${cause instanceof Error ? cause.message : String(cause)}.`,
      remedy: "Build it for this machine: npx @imagine-opd/backend-node-cuda setup --device cuda (or cpu).",
      details: { addon: path },
      cause,
    });
  }
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
