import { join } from "node:path";
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
  readonly output: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Compiles tfjs-node's binding against TensorFlow's library; about ten seconds. */
export async function compileAddon(options: CompileAddonOptions): Promise<void> {
  const { tfjsNode, tensorflow, headers, searchPath, output, env } = options;
  const parameters = [
    "-std=c++17",
    "-O2",
    "-fPIC",
    "-shared",
    "-DNAPI_VERSION=8",
    "-DBUILDING_NODE_EXTENSION",
    `-I${headers}`,
    `-I${tfjsNode}`,
    `-I${join(tensorflow, "include")}`,
    join(tfjsNode, "binding", "tfjs_backend.cc"),
    join(tfjsNode, "binding", "tfjs_binding.cc"),
    "-o",
    output,
    `-L${tensorflow}`,
    ...libraryNames.map((name) => `-l:${name}`),
    `-Wl,-rpath,${searchPath}`,
  ];
  await runCommand(compilerOf(env), parameters, { purpose: "compiling tfjs-node's binding", env });
}
