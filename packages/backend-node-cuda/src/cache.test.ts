import { rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { fakeBuild } from "../test/fake-build.ts";
import { temporaryFolder } from "../test/temporary-folder.ts";
import { cacheDirectory, listBuilds } from "./cache.ts";
import { findAddon } from "./locate-addon.ts";

test("the cache follows XDG_CACHE_HOME where it is an absolute path", () => {
  expect(cacheDirectory({ XDG_CACHE_HOME: "/cache" })).toBe("/cache/imagine-opd/tensorflow");
  const usual = join(homedir(), ".cache/imagine-opd/tensorflow");
  expect(cacheDirectory({})).toBe(usual);
  expect(cacheDirectory({ XDG_CACHE_HOME: "relative" })).toBe(usual);
});

test("builds are listed by version, oldest first; no cache is no build", () => {
  const cache = temporaryFolder();
  expect(listBuilds({ XDG_CACHE_HOME: cache })).toEqual([]);
  for (const tensorflow of ["2.21.0", "2.9.1", "2.20.0"]) fakeBuild(cache, { tensorflow });
  const versions = listBuilds({ XDG_CACHE_HOME: cache }).map(({ record }) => record.tensorflow);
  expect(versions).toEqual(["2.9.1", "2.20.0", "2.21.0"]);
});

test("a build with a part missing, or of another platform, is none", () => {
  const cache = temporaryFolder();
  rmSync(join(fakeBuild(cache), "tfjs_binding.node"));
  fakeBuild(cache, { tensorflow: "2.20.0", platform: "sunos-sparc" });
  rmSync(join(fakeBuild(cache, { device: "cuda" }), "build.json"));
  expect(listBuilds({ XDG_CACHE_HOME: cache })).toEqual([]);
});

test("the newest build for the device is found, and none for the other device", () => {
  const cache = temporaryFolder();
  fakeBuild(cache, { tensorflow: "2.9.1" });
  const newest = fakeBuild(cache, { tensorflow: "2.21.0" });
  vi.stubEnv("XDG_CACHE_HOME", cache);
  try {
    expect(findAddon("cpu")).toEqual({
      device: "cpu",
      source: "setup",
      addon: join(newest, "tfjs_binding.node"),
      package: join(newest, "tfjs-node"),
    });
    expect(findAddon("cuda")).toBeUndefined();
  } finally {
    vi.unstubAllEnvs();
  }
});
