import { statSync } from "node:fs";
import { parseArgs } from "node:util";
import { ImagineOpdError } from "@imagine-opd/protocol";
import type { NodeDevice } from "./backend-report.ts";
import type { TensorFlowSource } from "./setup/prerequisites.ts";

/** What the command line asks for. */
export type Command =
  | { readonly kind: "help" }
  | { readonly kind: "setup"; readonly device: NodeDevice; readonly source: TensorFlowSource }
  | { readonly kind: "undo"; readonly device?: NodeDevice }
  | {
      readonly kind: "verify";
      readonly device: NodeDevice;
      readonly addon?: string;
      readonly tf32: "on" | "off";
      readonly out?: string;
    };

/** The TensorFlow that was tried. */
export const defaultTensorFlow = "2.21.0";

export const help = `backend-node-cuda: native TensorFlow for TensorFlow.js in Node

  setup [--device cuda|cpu] [--tensorflow DIR|WHEEL|VERSION]
        Builds tfjs-node's addon against TensorFlow's library and puts it into the user's cache.
        --device      what it is for                                                     (default cuda)
        --tensorflow  the package folder of an installed TensorFlow, a wheel file, or a version for pip
                                                                                         (default ${defaultTensorFlow})
  setup --undo [--device cuda|cpu]
        Removes what setup built, for one device or for both.
  verify [--device cuda|cpu] [--addon FILE] [--tf32 on|off] [--out FILE]
        Tests the kernels, compares a whole model with transformers, trains for 20 steps, and writes a report as
        JSON (default: to the terminal).

The cache is XDG_CACHE_HOME or ~/.cache. Nothing else on the system is changed.
`;

const where = "backend-node-cuda";

/** @throws invalid-argument, with what was expected */
export function parseCommand(parameters: readonly string[]): Command {
  const { values, positionals } = parse(parameters);
  const [name, ...rest] = positionals;
  if (values.help || name === undefined) return { kind: "help" };
  if (rest.length > 0) throw usage(`\`${rest[0]}\` is too much after ${name}.`);
  const device = values.device;
  if (device !== undefined && device !== "cuda" && device !== "cpu") {
    throw usage(`--device must be cuda or cpu, got ${device}.`);
  }
  if (name === "setup") {
    refuseOthers(values, name, ["device", "tensorflow", "undo"]);
    if (!values.undo) return { kind: "setup", device: device ?? "cuda", source: readSource(values.tensorflow) };
    if (values.tensorflow !== undefined) throw usage("--undo takes no --tensorflow.");
    return { kind: "undo", ...(device !== undefined && { device }) };
  }
  if (name !== "verify") throw usage(`the command must be setup or verify, got ${name}.`);
  refuseOthers(values, name, ["device", "addon", "tf32", "out"]);
  const { tf32 = "off", addon, out } = values;
  if (tf32 !== "on" && tf32 !== "off") throw usage(`--tf32 must be on or off, got ${tf32}.`);
  return {
    kind: "verify",
    device: device ?? "cuda",
    tf32,
    ...(addon !== undefined && { addon }),
    ...(out !== undefined && { out }),
  };
}

function parse(parameters: readonly string[]) {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  try {
    return parseArgs({
      args: [...parameters],
      allowPositionals: true,
      options: { device: text, tensorflow: text, undo: flag, addon: text, tf32: text, out: text, help: flag },
    });
  } catch (error) {
    throw usage(error instanceof Error ? error.message : String(error));
  }
}

function refuseOthers(values: object, command: string, allowed: readonly string[]): void {
  const other = Object.keys(values).find((name) => !allowed.includes(name));
  if (other !== undefined) throw usage(`${command} takes no --${other}.`);
}

function readSource(given: string = defaultTensorFlow): TensorFlowSource {
  if (/^\d+\.\d+\.\d+\w*$/.test(given)) return { kind: "pip", version: given };
  if (given.endsWith(".whl")) return { kind: "wheel", path: given };
  if (statSync(given, { throwIfNoEntry: false })?.isDirectory()) return { kind: "directory", path: given };
  throw usage(`--tensorflow must be a folder, a wheel file or a version such as ${defaultTensorFlow}, got ${given}.`);
}

function usage(problem: string): ImagineOpdError {
  return new ImagineOpdError("invalid-argument", { where, problem, remedy: "Try --help." });
}
