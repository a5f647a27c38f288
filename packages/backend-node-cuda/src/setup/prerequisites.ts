import { accessSync, constants, existsSync, statfsSync } from "node:fs";
import { delimiter, dirname, isAbsolute, join } from "node:path";
import { ImagineOpdError } from "@imagine-opd/protocol";
import type { NodeDevice } from "../backend-report.ts";

/** Where TensorFlow's library comes from: unpacked or installed, a wheel, or pip's index. */
export type TensorFlowSource =
  | { readonly kind: "directory"; readonly path: string }
  | { readonly kind: "wheel"; readonly path: string }
  | { readonly kind: "pip"; readonly version: string };

export interface Needs {
  readonly device: NodeDevice;
  readonly source: TensorFlowSource;
  /** Whether tfjs-node has to be fetched. */
  readonly fetchTfjsNode: boolean;
  /** Where the build goes. */
  readonly cache: string;
  readonly env: NodeJS.ProcessEnv;
}

/** The C library's oldest version for which TensorFlow's wheels are built. */
const oldestGlibc = "2.27";

/** Free bytes that a build needs while it runs. */
const gigabyte = 1024 ** 3;

export function compilerOf(env: NodeJS.ProcessEnv): string {
  return env.CXX || "g++";
}

/** The program on the PATH, or nothing. */
export function findProgram(name: string, env: NodeJS.ProcessEnv): string | undefined {
  const candidates = isAbsolute(name) ? [name] : (env.PATH ?? "").split(delimiter).map((folder) => join(folder, name));
  return candidates.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Node's own headers, where its distribution has them. */
export function findNodeHeaders(execPath = process.execPath): string | undefined {
  return [join(dirname(execPath), "..", "include", "node"), "/usr/include/node"].find((folder) =>
    existsSync(join(folder, "node_api.h")),
  );
}

/** Version of the C library this process runs on; nothing where it is another one (musl). */
export function glibcVersion(): string | undefined {
  const report = process.report?.getReport() as { header?: { glibcVersionRuntime?: string } } | undefined;
  return report?.header?.glibcVersionRuntime;
}

function freeBytes(path: string): number {
  let folder = path;
  while (!existsSync(folder)) folder = dirname(folder);
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

function missingPrograms({ source, fetchTfjsNode, env }: Needs): string[] {
  const missing: string[] = [];
  const need = (name: string, remedy: string): void => {
    if (findProgram(name, env) === undefined) missing.push(`${name} is not on the PATH. ${remedy}`);
  };
  need(compilerOf(env), "Install a C++17 compiler (Debian: apt install g++), or name one in CXX.");
  if (source.kind !== "directory") {
    need("python3", "Install Python 3 with pip, or pass --tensorflow a folder with TensorFlow's libraries.");
  }
  if (fetchTfjsNode || findNodeHeaders() === undefined) {
    need("npm", "Install npm: tfjs-node's sources and Node's headers come from its registry.");
    need("tar", "Install tar.");
  }
  return missing;
}

/** Everything that is missing for a build, each with its remedy. Empty when it can start. */
export function findMissing(needs: Needs): readonly string[] {
  const { device, source, cache } = needs;
  const missing = missingPrograms(needs);
  if (process.platform !== "linux" || !["x64", "arm64"].includes(process.arch)) {
    missing.push(
      `This is ${process.platform} on ${process.arch}; TensorFlow's wheels hold the library for Linux on x64 and arm64.`,
    );
  }
  const glibc = glibcVersion();
  if (process.platform === "linux" && (glibc === undefined || olderThan(glibc, oldestGlibc))) {
    missing.push(`TensorFlow needs glibc ${oldestGlibc} or newer; this system has ${glibc ?? "another C library"}.`);
  }
  if (source.kind !== "pip" && !existsSync(source.path)) {
    missing.push(`There is nothing at ${source.path} (--tensorflow).`);
  }
  const bytes = (source.kind === "directory" ? 0.1 : device === "cpu" || source.kind === "wheel" ? 3 : 12) * gigabyte;
  const free = freeBytes(cache);
  if (free < bytes) {
    const [need, have] = [bytes, free].map((size) => (size / gigabyte).toFixed(1));
    missing.push(`${cache} needs ${need} GB of free space and has ${have} GB. XDG_CACHE_HOME can name another disk.`);
  }
  return missing;
}

/** @throws missing-part that lists all that is missing */
export function requirePrerequisites(needs: Needs): void {
  const missing = findMissing(needs);
  if (missing.length === 0) return;
  throw new ImagineOpdError("missing-part", {
    where: "backend-node-cuda.setup",
    problem: `nothing was built, because something is missing:\n${missing.map((line) => `- ${line}`).join("\n")}`,
    details: { missing },
  });
}

/** Compares dotted version numbers. */
export function olderThan(version: string, than: string): boolean {
  return version.localeCompare(than, "en", { numeric: true }) < 0;
}
