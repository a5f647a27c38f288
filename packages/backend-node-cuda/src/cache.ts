import { existsSync, readdirSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import type { NodeDevice } from "./backend-report.ts";

/** What `setup` writes beside the addon it built. */
export interface BuildRecord {
  readonly format: 1;
  readonly device: NodeDevice;
  /** Version of the TensorFlow library. */
  readonly tensorflow: string;
  /** Version of tfjs-node, whose binding and JavaScript these are. */
  readonly tfjs: string;
  /** `process.platform` and `process.arch`. */
  readonly platform: string;
  /** First line of the compiler's `--version`. */
  readonly compiler: string;
  /** Where the TensorFlow library lies: a folder of the build, or an absolute path to an installed package. */
  readonly library: string;
}

/** A build in the cache. */
export interface Build {
  readonly directory: string;
  readonly record: BuildRecord;
  readonly addon: string;
  /** tfjs-node's package folder, for its JavaScript. */
  readonly package: string;
}

export const recordFile = "build.json";
export const addonFile = "tfjs_binding.node";
/** Beside the addon: loads part of TensorFlow without what it logs at that. */
export const quietFile = "quiet.node";
export const packageFolder = "tfjs-node";

/** `XDG_CACHE_HOME` or `~/.cache`, and our folder in it. */
export function cacheDirectory(env: NodeJS.ProcessEnv = process.env): string {
  const base = env.XDG_CACHE_HOME;
  return join(base && isAbsolute(base) ? base : join(homedir(), ".cache"), "imagine-opd", "tensorflow");
}

export function buildName({ device, tensorflow, tfjs }: Pick<BuildRecord, "device" | "tensorflow" | "tfjs">): string {
  return `${device}-tensorflow-${tensorflow}-tfjs-${tfjs}`;
}

/** The build in a folder, or nothing where a part of it is missing or it is another platform's. */
export function readBuild(directory: string): Build | undefined {
  const file = join(directory, recordFile);
  if (!existsSync(file)) return undefined;
  const record = JSON.parse(readFileSync(file, "utf8")) as BuildRecord;
  const build = { directory, record, addon: join(directory, addonFile), package: join(directory, packageFolder) };
  const usable = record.format === 1 && record.platform === `${process.platform}-${process.arch}`;
  return usable && existsSync(build.addon) && existsSync(build.package) ? build : undefined;
}

const byVersion = (a: Build, b: Build): number =>
  a.record.tensorflow.localeCompare(b.record.tensorflow, "en", { numeric: true });

/** All usable builds, oldest TensorFlow first. */
export function listBuilds(env: NodeJS.ProcessEnv = process.env): readonly Build[] {
  const directory = cacheDirectory(env);
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((name) => !name.startsWith("."))
    .flatMap((name) => readBuild(join(directory, name)) ?? [])
    .sort(byVersion);
}
