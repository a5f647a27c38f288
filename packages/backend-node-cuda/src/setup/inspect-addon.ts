import { ImagineOpdError } from "@imagine-opd/protocol";
import { runCommand } from "./run-command.ts";

export interface AddonFacts {
  /** Version of the TensorFlow library behind the addon. */
  readonly tensorflow: string;
  /** Whether TensorFlow found a card it can use. */
  readonly usesGpu: boolean;
}

const program = `
const loaded = { exports: {} };
try {
  process.dlopen(loaded, process.argv[1], require("node:os").constants.dlopen.RTLD_NOW);
  const { TF_Version, isUsingGpuDevice } = loaded.exports;
  console.log(JSON.stringify({ tensorflow: TF_Version, usesGpu: isUsingGpuDevice() }));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
`;

/**
 * Loads an addon in a process of its own, where a crash harms nothing.
 * @param libraryPath folders for `LD_LIBRARY_PATH`, which is read only when a process starts
 */
export async function inspectAddon(
  addon: string,
  { env, libraryPath = [] }: { readonly env: NodeJS.ProcessEnv; readonly libraryPath?: readonly string[] },
): Promise<AddonFacts> {
  const search = [...libraryPath, ...(env.LD_LIBRARY_PATH ? [env.LD_LIBRARY_PATH] : [])].join(":");
  const written = await runCommand(process.execPath, ["-e", program, addon], {
    purpose: "loading the new addon",
    env: {
      ...env,
      TF_CPP_MIN_LOG_LEVEL: "3",
      TF_FORCE_GPU_ALLOW_GROWTH: "true",
      ...(search && { LD_LIBRARY_PATH: search }),
    },
  });
  const facts = JSON.parse(written) as Partial<AddonFacts>;
  if (typeof facts.tensorflow === "string" && typeof facts.usesGpu === "boolean") return facts as AddonFacts;
  throw new ImagineOpdError("mismatch", {
    where: "backend-node-cuda.setup",
    problem: `the new addon does not export what tfjs-node's binding exports; it says ${written.trim()}.`,
  });
}
