import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { ImagineOpdError } from "@imagine-opd/protocol";
import type { BackendReport, NodeDevice } from "./backend-report.ts";
import { listBuilds, readBuild } from "./cache.ts";

const where = "backend-node-cuda.openNodeBackend";

/** The version of tfjs-node that this package knows from inside. */
export const tfjsVersion = "4.22.0";

/** A native addon and the package whose JavaScript drives it. */
export interface LocatedAddon {
  readonly device: NodeDevice;
  readonly source: BackendReport["source"];
  /** Absolute path of `tfjs_binding.node`. */
  readonly addon: string;
  /** Folder of tfjs-node or tfjs-node-gpu. */
  readonly package: string;
}

const packageNames: Readonly<Record<NodeDevice, string>> = {
  cuda: "@tensorflow/tfjs-node-gpu",
  cpu: "@tensorflow/tfjs-node",
};

/** Folder of an installed package of the right version, as seen from the working directory or from this module. */
function installedPackage(name: string): string | undefined {
  for (const from of [join(process.cwd(), "index.js"), import.meta.url]) {
    try {
      const manifest = createRequire(from).resolve(`${name}/package.json`);
      if (JSON.parse(readFileSync(manifest, "utf8")).version === tfjsVersion) return dirname(manifest);
    } catch {
      // Not installed there: an optional peer.
    }
  }
  return undefined;
}

/** Folder of tfjs-node or tfjs-node-gpu, whichever is installed: their JavaScript and C++ are the same. */
export function installedTfjsNode(): string | undefined {
  return installedPackage(packageNames.cuda) ?? installedPackage(packageNames.cpu);
}

/** The addon that an installed package downloaded or built, of the newest Node-API version that this Node knows. */
function installedAddon(packageDirectory: string): string | undefined {
  const lib = join(packageDirectory, "lib");
  if (!existsSync(lib)) return undefined;
  return readdirSync(lib)
    .map((name) => ({ name, version: Number(/^napi-v(\d+)$/.exec(name)?.[1]) }))
    .filter(({ version }) => version <= Number(process.versions.napi))
    .sort((a, b) => b.version - a.version)
    .map(({ name }) => join(lib, name, "tfjs_binding.node"))
    .find((path) => existsSync(path));
}

/**
 * The addon that would compute on a device: what `setup` built, newest TensorFlow first, else what an installed
 * `@tensorflow/tfjs-node-gpu` (cuda) or `@tensorflow/tfjs-node` (cpu) brought along. Only looks; loads nothing.
 */
export function findAddon(device: NodeDevice): LocatedAddon | undefined {
  const build = listBuilds()
    .filter(({ record }) => record.device === device && record.tfjs === tfjsVersion)
    .at(-1);
  if (build !== undefined) return { device, source: "setup", addon: build.addon, package: build.package };
  const directory = installedPackage(packageNames[device]);
  const addon = directory === undefined ? undefined : installedAddon(directory);
  return addon === undefined ? undefined : { device, source: "installed", addon, package: directory! };
}

function givenAddon(device: NodeDevice, path: string): LocatedAddon {
  const addon = resolve(path);
  if (!existsSync(addon)) {
    throw new ImagineOpdError("missing-file", { where, problem: `there is no addon at ${addon}.`, details: { addon } });
  }
  const directory = readBuild(dirname(addon))?.package ?? installedTfjsNode();
  if (directory === undefined) {
    throw new ImagineOpdError("missing-part", {
      where,
      problem: `the JavaScript that drives ${addon} is not there: tfjs-node ${tfjsVersion} is not installed.`,
      remedy: `npm i --ignore-scripts ${packageNames[device]}@${tfjsVersion}`,
      details: { addon },
    });
  }
  return { device, source: "given", addon, package: directory };
}

/** @throws missing-part when there is no addon for the device; missing-file when the given path leads nowhere */
export function locateAddon(device: NodeDevice, path?: string): LocatedAddon {
  const located = path === undefined ? findAddon(device) : givenAddon(device, path);
  if (located !== undefined) return located;
  throw new ImagineOpdError("missing-part", {
    where,
    problem: `there is no TensorFlow for the device "${device}": none was built, and ${packageNames[device]} ${tfjsVersion} is not installed with its addon.`,
    remedy: `Run: npx @imagine-opd/backend-node-cuda setup --device ${device}`,
    details: { device },
  });
}
