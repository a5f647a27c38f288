import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { fakeBuild } from "../../test/fake-build.ts";
import { temporaryFolder, writeInto } from "../../test/temporary-folder.ts";
import { removeBuilds } from "./remove-builds.ts";

test("one device's builds go, or all, and what an interrupted setup left", () => {
  const cache = temporaryFolder();
  const env = { XDG_CACHE_HOME: cache };
  const [cpu, cuda] = [fakeBuild(cache), fakeBuild(cache, { device: "cuda" })];
  const left = join(cache, "imagine-opd/tensorflow/.building-x");
  writeInto(left, "half", "");
  expect([...removeBuilds("cpu", env)].sort()).toEqual([left, cpu]);
  expect([cpu, left, cuda].map((folder) => existsSync(folder))).toEqual([false, false, true]);
  expect(removeBuilds(undefined, env)).toEqual([cuda]);
  expect(removeBuilds(undefined, env)).toEqual([]);
});

test("without a cache there is nothing to remove", () => {
  expect(removeBuilds(undefined, { XDG_CACHE_HOME: "/nowhere" })).toEqual([]);
});
