import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { NodeDevice } from "../backend-report.ts";
import {
  addonFile,
  type Build,
  type BuildRecord,
  buildName,
  cacheDirectory,
  packageFolder,
  readBuild,
  recordFile,
} from "../cache.ts";
import { installedTfjsNode, tfjsVersion } from "../locate-addon.ts";
import { compileAddons } from "./compile-addon.ts";
import { fetchNpmPackage } from "./fetch-npm-package.ts";
import { type AddonFacts, inspectAddon } from "./inspect-addon.ts";
import { cudaLibraryFolders, libraryNames, obtainTensorFlow } from "./obtain-tensorflow.ts";
import { compilerOf, findNodeHeaders, requirePrerequisites, type TensorFlowSource } from "./prerequisites.ts";
import { runCommand } from "./run-command.ts";

export interface SetupOptions {
  readonly device: NodeDevice;
  readonly source: TensorFlowSource;
  /** Told before each step that takes time. */
  readonly onStep?: (step: string) => void;
  readonly env?: NodeJS.ProcessEnv;
}

export interface SetupResult {
  readonly build: Build;
  /** Whether TensorFlow found a card when the addon was tried. */
  readonly usesGpu: boolean;
  /** Folders that `LD_LIBRARY_PATH` must hold for TensorFlow to find the card; empty when none are needed. */
  readonly libraryPath: readonly string[];
}

/**
 * Builds tfjs-node's addon against a current TensorFlow and puts it into the user's cache. Until the last step everything
 * happens in a folder of its own, which is removed on failure: a build that was there before stays as it was.
 * @throws missing-part when a prerequisite is missing (all are named) or a step fails
 */
export async function setupTensorFlow({
  device,
  source,
  onStep = () => undefined,
  env = process.env,
}: SetupOptions): Promise<SetupResult> {
  const cache = cacheDirectory(env);
  const installed = installedTfjsNode();
  requirePrerequisites({ device, source, fetchTfjsNode: installed === undefined, cache, env });
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, ".building-"));
  try {
    onStep(describeSource(source, device));
    const tensorflow = await obtainTensorFlow(source, { device, work, env });
    onStep("tfjs-node's sources and Node's headers");
    const tfjsNode =
      installed ?? (await fetchNpmPackage({ name: "@tensorflow/tfjs-node", version: tfjsVersion, into: work, env }));
    const headers = findNodeHeaders() ?? (await fetchHeaders(work, env));
    onStep("compiling");
    const result = join(work, "result");
    mkdirSync(result);
    // What we unpacked moves along with the addon; what is installed stays where it is.
    const moves = tensorflow.startsWith(work);
    const searchPath = moves ? "$ORIGIN/site/tensorflow" : tensorflow;
    if (moves) moveLibraries(work, result);
    const library = moves ? join(result, "site", "tensorflow") : tensorflow;
    const addon = join(result, addonFile);
    await compileAddons({ tfjsNode, tensorflow: library, headers, searchPath, output: result, env });
    onStep("loading the addon");
    const { facts, libraryPath } = await tryAddon(addon, { device, library, env });
    if (moves) keepLibraries(library);
    copyJavaScript(tfjsNode, join(result, packageFolder));
    const compiler = (await runCommand(compilerOf(env), ["--version"], { purpose: "naming the compiler", env })).split(
      "\n",
    );
    const record: BuildRecord = {
      format: 1,
      device,
      tensorflow: facts.tensorflow,
      tfjs: tfjsVersion,
      platform: `${process.platform}-${process.arch}`,
      compiler: compiler[0]!,
      library: moves ? "site/tensorflow" : tensorflow,
    };
    writeFileSync(join(result, recordFile), `${JSON.stringify(record, null, 2)}\n`);
    const final = join(cache, buildName(record));
    replaceFolder(result, final, work);
    return {
      build: readBuild(final)!,
      usesGpu: facts.usesGpu,
      libraryPath: libraryPath.map((folder) => folder.replace(result, final)),
    };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function describeSource(source: TensorFlowSource, device: NodeDevice): string {
  if (source.kind !== "pip") return `TensorFlow from ${source.path}`;
  const size = device === "cuda" ? "several GB" : "about 270 MB";
  return `TensorFlow ${source.version} for ${device}, ${size} through pip`;
}

async function fetchHeaders(work: string, env: NodeJS.ProcessEnv): Promise<string> {
  const headers = await fetchNpmPackage({ name: "node-api-headers", version: "1.9.0", into: work, env });
  return join(headers, "include");
}

/** Moves TensorFlow, and CUDA's libraries where pip put them beside it, to where the addon looks for them. */
function moveLibraries(work: string, result: string): void {
  mkdirSync(join(result, "site"));
  for (const name of ["tensorflow", "nvidia"]) {
    if (existsSync(join(work, name))) renameSync(join(work, name), join(result, "site", name));
  }
}

/** Headers and Python code are of no use any more: more than half of a gigabyte. */
function keepLibraries(library: string): void {
  for (const name of readdirSync(library)) {
    if (!(libraryNames as readonly string[]).includes(name)) rmSync(join(library, name), { recursive: true });
  }
}

/** Loads the addon; for CUDA, a second time with the folders of CUDA's libraries named, when it sees no card without. */
async function tryAddon(
  addon: string,
  { device, library, env }: { readonly device: NodeDevice; readonly library: string; readonly env: NodeJS.ProcessEnv },
): Promise<{ readonly facts: AddonFacts; readonly libraryPath: readonly string[] }> {
  const facts = await inspectAddon(addon, { env });
  const libraryPath = cudaLibraryFolders(library);
  if (device === "cpu" || facts.usesGpu || libraryPath.length === 0) return { facts, libraryPath: [] };
  return { facts: await inspectAddon(addon, { env, libraryPath }), libraryPath };
}

/** Of tfjs-node only the JavaScript is needed to run. */
function copyJavaScript(tfjsNode: string, to: string): void {
  for (const part of ["dist", "package.json"]) {
    cpSync(join(tfjsNode, part), join(to, part), {
      recursive: true,
      filter: (file) => !/(_test\.js|\.d\.ts|\.map)$/.test(file),
    });
  }
}

/** Puts a finished folder in the place of another, which is complete at every moment but between two renames. */
function replaceFolder(finished: string, final: string, work: string): void {
  if (existsSync(final)) renameSync(final, join(work, "replaced"));
  renameSync(finished, final);
}
