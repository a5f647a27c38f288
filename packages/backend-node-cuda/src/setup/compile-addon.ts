import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { addonFile, quietFile } from "../cache.ts";
import { libraryNames } from "./obtain-tensorflow.ts";
import { compilerOf } from "./prerequisites.ts";
import { runCommand } from "./run-command.ts";

export interface CompileAddonOptions {
  /** tfjs-node's package folder, with the C++ sources in `binding`. */
  readonly tfjsNode: string;
  /** TensorFlow's package folder, with its libraries and `include`. */
  readonly tensorflow: string;
  /** Folder of `node_api.h`. */
  readonly headers: string;
  /** Where the addon looks for the libraries when it is loaded: absolute, or relative to itself by `$ORIGIN`. */
  readonly searchPath: string;
  /** The folder that the addons are written to. */
  readonly output: string;
  readonly env: NodeJS.ProcessEnv;
}

/**
 * TensorFlow logs while one of its libraries is loaded, before its own settings count. This addon, loaded first, loads that
 * library with stderr turned away.
 */
const quietSource = `
#include <dlfcn.h>
#include <fcntl.h>
#include <node_api.h>
#include <unistd.h>
NAPI_MODULE_INIT() {
  const int kept = dup(2), nowhere = open("/dev/null", O_WRONLY);
  if (kept < 0 || nowhere < 0) return exports;
  dup2(nowhere, 2);
  dlopen("${libraryNames[1]}", RTLD_NOW);
  dup2(kept, 2);
  close(kept);
  close(nowhere);
  return exports;
}
`;

/** Compiles tfjs-node's binding against TensorFlow's library, and the addon that silences its log; some ten seconds. */
export async function compileAddons(options: CompileAddonOptions): Promise<void> {
  const { tfjsNode, output } = options;
  const binding = ["tfjs_backend.cc", "tfjs_binding.cc"].map((name) => join(tfjsNode, "binding", name));
  await compile(addonFile, { sources: binding, libraries: libraryNames }, options);
  const source = join(output, "quiet.cc");
  writeFileSync(source, quietSource);
  await compile(quietFile, { sources: [source], libraries: [] }, options);
  rmSync(source);
}

async function compile(
  file: string,
  { sources, libraries }: { readonly sources: readonly string[]; readonly libraries: readonly string[] },
  { tfjsNode, tensorflow, headers, searchPath, output, env }: CompileAddonOptions,
): Promise<void> {
  const parameters = [
    ...["-std=c++17", "-O2", "-fPIC", "-shared", "-DNAPI_VERSION=8", "-DBUILDING_NODE_EXTENSION"],
    ...[headers, tfjsNode, join(tensorflow, "include")].map((folder) => `-I${folder}`),
    ...sources,
    "-o",
    join(output, file),
    `-L${tensorflow}`,
    ...libraries.map((name) => `-l:${name}`),
    `-Wl,-rpath,${searchPath}`,
  ];
  await runCommand(compilerOf(env), parameters, { purpose: `compiling ${file}`, env });
}
