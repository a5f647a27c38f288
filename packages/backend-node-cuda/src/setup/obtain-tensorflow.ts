import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { ImagineOpdError } from "@imagine-opd/protocol";
import type { NodeDevice } from "../backend-report.ts";
import type { TensorFlowSource } from "./prerequisites.ts";
import { runCommand } from "./run-command.ts";

const where = "backend-node-cuda.setup";

export const libraryNames = ["libtensorflow_cc.so.2", "libtensorflow_framework.so.2"] as const;

export interface ObtainTensorFlowOptions {
  readonly device: NodeDevice;
  /** A folder of ours; what is unpacked or installed goes below it. */
  readonly work: string;
  readonly env: NodeJS.ProcessEnv;
}

/** Takes the library and the headers out of a wheel; Python's zipfile spares an unzip. */
const unpackWheel = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as wheel:
    for name in wheel.namelist():
        if name.startswith(("tensorflow/include/", "tensorflow/libtensorflow_")) or name == "tensorflow/python/platform/build_info.py":
            wheel.extract(name, sys.argv[2])
`;

/** A folder \`tensorflow\` with the libraries and \`include\`: inside \`work\`, or the given one. */
export async function obtainTensorFlow(
  source: TensorFlowSource,
  { device, work, env }: ObtainTensorFlowOptions,
): Promise<string> {
  const directory =
    source.kind === "directory" ? findPackage(source.path) : await unpack(source, { device, work, env });
  checkPackage(directory, device);
  return directory;
}

async function unpack(
  source: Exclude<TensorFlowSource, { kind: "directory" }>,
  { device, work, env }: ObtainTensorFlowOptions,
): Promise<string> {
  // The wheels of CUDA's libraries must lie beside TensorFlow, as pip installs them.
  if (source.kind === "pip" && device === "cuda") {
    const name = `tensorflow[and-cuda]==${source.version}`;
    const parameters = ["install", "--only-binary=:all:", "--no-compile", "--target", work, name];
    await runPip(parameters, `installing ${name}`, env);
    return join(work, "tensorflow");
  }
  const wheel = source.kind === "wheel" ? resolve(source.path) : await downloadWheel(source.version, work, env);
  await runCommand("python3", ["-c", unpackWheel, wheel, work], { purpose: `unpacking ${wheel}`, env });
  return join(work, "tensorflow");
}

async function downloadWheel(version: string, work: string, env: NodeJS.ProcessEnv): Promise<string> {
  const folder = join(work, "wheel");
  const name = `tensorflow-cpu==${version}`;
  // No Python runs TensorFlow here, so the wheel of any Python will do: pip takes the one that fits its own.
  await runPip(["download", "--no-deps", "--only-binary=:all:", "-d", folder, name], `downloading ${name}`, env);
  return join(folder, readdirSync(folder)[0]!);
}

async function runPip(parameters: readonly string[], purpose: string, env: NodeJS.ProcessEnv): Promise<void> {
  const quiet = ["--disable-pip-version-check", "--quiet"];
  await runCommand("python3", ["-m", "pip", ...parameters, ...quiet], { purpose, env });
}

/** The folder of TensorFlow's package: the one given, or `tensorflow` inside a given `site-packages`. */
function findPackage(path: string): string {
  const given = resolve(path);
  const inside = join(given, "tensorflow");
  return existsSync(join(inside, libraryNames[0])) ? inside : given;
}

function checkPackage(directory: string, device: NodeDevice): void {
  const missing = [...libraryNames, "include/tensorflow/c/eager/c_api.h"].filter(
    (name) => !existsSync(join(directory, name)),
  );
  if (missing.length > 0) {
    throw new ImagineOpdError("missing-part", {
      where,
      problem: `${directory} is not TensorFlow as its pip wheel lays it out: ${missing.join(", ")} is not there.`,
      remedy: "Pass --tensorflow the folder `tensorflow` of a site-packages folder, or a wheel.",
      details: { directory, missing },
    });
  }
  if (device === "cuda" && isCudaBuild(directory) === false) {
    throw new ImagineOpdError("mismatch", {
      where,
      problem: `the TensorFlow in ${directory} was built without CUDA.`,
      remedy: 'Pass the package of `pip install "tensorflow[and-cuda]"`, or take --device cpu.',
      details: { directory, device },
    });
  }
}

/** What TensorFlow's package says of itself; nothing where it says nothing. */
function isCudaBuild(directory: string): boolean | undefined {
  const file = join(directory, "python", "platform", "build_info.py");
  if (!existsSync(file)) return undefined;
  const said = /'is_cuda_build',\s*(True|False)/.exec(readFileSync(file, "utf8"))?.[1];
  return said === undefined ? undefined : said === "True";
}

/** The folders of CUDA's libraries that pip installed beside TensorFlow. */
export function cudaLibraryFolders(tensorflow: string): readonly string[] {
  const nvidia = join(dirname(tensorflow), "nvidia");
  if (!existsSync(nvidia)) return [];
  return readdirSync(nvidia)
    .map((name) => join(nvidia, name, "lib"))
    .filter((folder) => existsSync(folder));
}
