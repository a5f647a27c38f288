import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { fakeBuild } from "../test/fake-build.ts";
import { temporaryFolder } from "../test/temporary-folder.ts";
import { findAddon, locateAddon } from "./locate-addon.ts";

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

const emptyCache = (): void => void vi.stubEnv("XDG_CACHE_HOME", temporaryFolder());

test("without a build and without a package, the remedy is the setup", () => {
  emptyCache();
  expect(() => locateAddon("cuda")).toThrow(
    'there is no TensorFlow for the device "cuda": none was built, and @tensorflow/tfjs-node-gpu 4.22.0 is not installed with its addon. Run: npx @imagine-opd/backend-node-cuda setup --device cuda',
  );
});

/** A project with tfjs-node installed, and with addons of these Node-API versions. */
function project(napiVersions: readonly number[], version = "4.22.0"): string {
  const folder = "node_modules/@tensorflow/tfjs-node";
  const addons = napiVersions.map((napi) => [`${folder}/lib/napi-v${napi}/tfjs_binding.node`, ""]);
  const root = temporaryFolder({
    [`${folder}/package.json`]: JSON.stringify({ version }),
    ...Object.fromEntries(addons),
  });
  vi.spyOn(process, "cwd").mockReturnValue(root);
  return join(root, folder);
}

test("an installed tfjs-node counts with its addon, the newest that this Node can load", () => {
  emptyCache();
  const folder = project([3, 8, 99]);
  expect(findAddon("cpu")).toEqual({
    device: "cpu",
    source: "installed",
    addon: join(folder, "lib/napi-v8/tfjs_binding.node"),
    package: folder,
  });
  expect(findAddon("cuda")).toBeUndefined();
});

test("an installed tfjs-node without its addon, or of another version, does not count", () => {
  emptyCache();
  project([]);
  expect(findAddon("cpu")).toBeUndefined();
  project([8], "4.21.0");
  expect(findAddon("cpu")).toBeUndefined();
});

test("a given addon takes the JavaScript of its build, or of an installed tfjs-node", () => {
  const cache = temporaryFolder();
  const build = fakeBuild(cache);
  const addon = join(build, "tfjs_binding.node");
  expect(locateAddon("cuda", addon)).toMatchObject({ source: "given", addon, package: join(build, "tfjs-node") });
  const alone = join(temporaryFolder({ "own.node": "" }), "own.node");
  expect(() => locateAddon("cpu", alone)).toThrow(
    /the JavaScript that drives .*own\.node is not there: .* npm i --ignore-scripts @tensorflow\/tfjs-node@4\.22\.0/,
  );
  const folder = project([]);
  expect(locateAddon("cpu", alone).package).toBe(folder);
});

test("a given addon that is not there is an error", () => {
  expect(() => locateAddon("cpu", "/nowhere/tfjs_binding.node")).toThrow(
    "there is no addon at /nowhere/tfjs_binding.node.",
  );
});
