import { readFileSync } from "node:fs";
import { ImagineOpdError } from "@imagine-opd/protocol";
import { Command } from "commander";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { runProgram } from "./run-program.ts";

let written: { stdout: string; stderr: string };

beforeEach(() => {
  written = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    vi.spyOn(process[name], "write").mockImplementation((text) => {
      written[name] += text;
      return true;
    });
  }
});
afterEach(() => vi.restoreAllMocks());

/** Exit code of a program whose action does this. */
async function run(action: () => void | Promise<void>, words: readonly string[] = []): Promise<unknown> {
  const before = process.exitCode;
  process.exitCode = undefined;
  try {
    await runProgram(new Command("bake").option("--eggs <n>", "how many").action(action), words);
    return process.exitCode;
  } finally {
    process.exitCode = before;
  }
}

const fail = (error: unknown) => () => {
  throw error;
};

test("0 when the action is done, and nothing is said", async () => {
  expect(await run(async () => undefined)).toBe(0);
  expect(written).toEqual({ stdout: "", stderr: "" });
});

test("0 for --help, on stdout", async () => {
  expect(await run(() => undefined, ["--help"])).toBe(0);
  expect(written.stdout).toContain("--eggs <n>");
  expect(written.stderr).toBe("");
});

test.each([[["--butter", "1"]], [["--eggs"]], [["surplus"]]])("2 for %j", async (words) => {
  expect(await run(() => undefined, words)).toBe(2);
  expect(written.stderr).toMatch(/^error: .+\n\(--help shows the options\)\n$/);
  expect(written.stdout).toBe("");
});

test("1 with one line for an error of ours", async () => {
  const error = new ImagineOpdError("missing-file", {
    where: "pantry.open",
    problem: "no flour.",
    remedy: "Buy some.",
  });
  expect(await run(fail(error))).toBe(1);
  expect(written.stderr).toBe("error: pantry.open: no flour. Buy some.\n");
});

test("1 with the file system's own words", async () => {
  expect(await run(() => void readFileSync("no/such/file"))).toBe(1);
  expect(written.stderr).toMatch(/^error: ENOENT: [^\n]*no\/such\/file'\n$/);
});

test("1 with the stack of what nobody foresaw", async () => {
  expect(await run(fail(new TypeError("oven is not a function")))).toBe(1);
  expect(written.stderr).toMatch(/^unexpected error, please report it:\nTypeError: oven is not a function\n {4}at /);
});

test("130 when the work was interrupted", async () => {
  expect(await run(fail(new ImagineOpdError("aborted", { where: "oven.bake", problem: "stopped." })))).toBe(130);
  expect(written.stderr).toBe("interrupted\n");
});
