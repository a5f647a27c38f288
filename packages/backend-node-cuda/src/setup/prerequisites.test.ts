import { expect, test } from "vitest";
import { fakePath, temporaryFolder } from "../../test/temporary-folder.ts";
import { findMissing, type Needs, olderThan, requirePrerequisites } from "./prerequisites.ts";

const all = { "g++": "", python3: "", npm: "", tar: "" };

function needs(programs: Readonly<Record<string, string>>, changes: Partial<Needs> = {}): Needs {
  return {
    device: "cpu",
    source: { kind: "pip", version: "2.21.0" },
    fetchTfjsNode: true,
    cache: temporaryFolder(),
    env: { PATH: fakePath(programs) },
    ...changes,
  };
}

test("with everything there, nothing is missing", () => {
  expect(findMissing(needs(all))).toEqual([]);
});

test("all that is missing is named at once, with remedies", () => {
  expect(() => requirePrerequisites(needs({}))).toThrow(
    [
      "backend-node-cuda.setup: nothing was built, because something is missing:",
      "- g++ is not on the PATH. Install a C++17 compiler (Debian: apt install g++), or name one in CXX.",
      "- python3 is not on the PATH. Install Python 3 with pip, or pass --tensorflow a folder with TensorFlow's libraries.",
      "- npm is not on the PATH. Install npm: tfjs-node's sources and Node's headers come from its registry.",
      "- tar is not on the PATH. Install tar.",
    ].join("\n"),
  );
});

test("the compiler can be another one", () => {
  const { "g++": _, ...others } = all;
  const path = fakePath({ ...others, "clang++": "" });
  expect(findMissing(needs({}, { env: { PATH: path, CXX: "clang++" } }))).toEqual([]);
  expect(findMissing(needs({}, { env: { PATH: path } }))).toHaveLength(1);
});

test("a folder needs no Python, but has to be there", () => {
  const { python3: _, ...others } = all;
  expect(findMissing(needs(others, { source: { kind: "directory", path: temporaryFolder() } }))).toEqual([]);
  expect(findMissing(needs(others, { source: { kind: "directory", path: "/nowhere" } }))).toEqual([
    "There is nothing at /nowhere (--tensorflow).",
  ]);
});

test("versions compare by number", () => {
  expect(olderThan("2.9", "2.27")).toBe(true);
  expect(olderThan("2.36", "2.27")).toBe(false);
  expect(olderThan("2.27", "2.27")).toBe(false);
});
