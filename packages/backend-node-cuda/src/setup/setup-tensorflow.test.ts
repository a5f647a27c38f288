import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { fakeBuild } from "../../test/fake-build.ts";
import { fakePath, temporaryFolder } from "../../test/temporary-folder.ts";
import { type SetupOptions, setupTensorFlow } from "./setup-tensorflow.ts";

const libraries = { "libtensorflow_cc.so.2": "", "libtensorflow_framework.so.2": "" };
const tensorflow = { ...libraries, "include/tensorflow/c/eager/c_api.h": "" };

/** npm as far as `npm pack --json` goes, and the tar of what it gives. */
const npmAndTar = { npm: `echo '[{"filename": "package.tgz"}]'`, tar: "/bin/mkdir -p package/binding package/dist" };

interface Attempt {
  readonly programs?: Readonly<Record<string, string>>;
  readonly changes?: Partial<SetupOptions>;
}

/** Runs a setup that must fail, beside a build that is there already; returns the error after looking at what is left. */
async function failingSetup({ programs = {}, changes = {} }: Attempt): Promise<Error> {
  const cache = temporaryFolder();
  const build = fakeBuild(cache);
  const env = {
    XDG_CACHE_HOME: cache,
    PATH: fakePath({ "g++": "exit 0", python3: "exit 0", ...npmAndTar, ...programs }),
  };
  const options: SetupOptions = { device: "cpu", source: { kind: "pip", version: "2.21.0" }, ...changes, env };
  const error = await setupTensorFlow(options).then(
    () => expect.fail("the setup did not fail"),
    (reason: Error) => reason,
  );
  expect(readdirSync(join(cache, "imagine-opd/tensorflow"))).toEqual(["cpu-tensorflow-2.21.0-tfjs-4.22.0"]);
  expect(existsSync(join(build, "tfjs_binding.node"))).toBe(true);
  return error;
}

const directory = (files: Readonly<Record<string, string>>) =>
  ({ kind: "directory", path: temporaryFolder(files) }) as const;

test("pip's own words are in the error, and nothing is left", async () => {
  const error = await failingSetup({ programs: { python3: "echo no such version >&2; exit 1" } });
  expect(error.message).toBe(
    "backend-node-cuda.setup: downloading tensorflow-cpu==2.21.0: python3 ended with exit code 1.\nno such version",
  );
});

test("the compiler's own words are in the error, and nothing is left", async () => {
  const error = await failingSetup({
    programs: { "g++": "echo fatal: no header >&2; exit 4" },
    changes: { source: directory(tensorflow) },
  });
  expect(error.message).toContain("compiling tfjs_binding.node: g++ ended with exit code 4.\nfatal: no header");
});

test("an addon that does not load is not kept", async () => {
  const error = await failingSetup({
    programs: { "g++": 'while [ "$1" != -o ]; do shift; done; echo nonsense > "$2"' },
    changes: { source: directory(tensorflow) },
  });
  expect(error.message).toMatch(
    /loading the new addon: .*node ended with exit code 1\.\n.*(invalid ELF|file too short)/,
  );
});

test("a folder that is not TensorFlow's is refused by what it lacks", async () => {
  const error = await failingSetup({ changes: { source: directory(libraries) } });
  expect(error.message).toContain(
    "is not TensorFlow as its pip wheel lays it out: include/tensorflow/c/eager/c_api.h is not there.",
  );
});

test("a TensorFlow without CUDA is refused for cuda, also inside a site-packages folder", async () => {
  const files = { ...tensorflow, "python/platform/build_info.py": "OrderedDict([('is_cuda_build', False)])" };
  const inside = Object.fromEntries(Object.entries(files).map(([name, content]) => [`tensorflow/${name}`, content]));
  for (const source of [directory(files), directory(inside)]) {
    const error = await failingSetup({ changes: { device: "cuda", source } });
    expect(error.message).toContain("was built without CUDA.");
  }
});

test("for cuda, pip installs CUDA's libraries beside TensorFlow", async () => {
  const error = await failingSetup({
    programs: { python3: 'echo "$@" >&2; exit 1' },
    changes: { device: "cuda" },
  });
  expect(error.message).toMatch(
    /-m pip install --only-binary=:all: --no-compile --target \S+ tensorflow\[and-cuda\]==2\.21\.0/,
  );
});

test("a missing prerequisite makes no cache", async () => {
  const cache = temporaryFolder();
  const env = { XDG_CACHE_HOME: join(cache, "new"), PATH: "" };
  const source = { kind: "pip", version: "2.21.0" } as const;
  await expect(setupTensorFlow({ device: "cpu", source, env })).rejects.toThrow("g++ is not on the PATH");
  expect(readdirSync(cache)).toEqual([]);
});
