import { expect, test } from "vitest";
import { temporaryFolder } from "../test/temporary-folder.ts";
import { help, parseCommand } from "./cli-options.ts";

test("nothing and --help are a call for help, which shows the defaults", () => {
  expect(parseCommand([])).toEqual({ kind: "help" });
  expect(parseCommand(["setup", "--help"])).toEqual({ kind: "help" });
  expect(help).toContain("(default cuda)");
});

test("setup takes TensorFlow from pip unless told otherwise", () => {
  expect(parseCommand(["setup"])).toEqual({
    kind: "setup",
    device: "cuda",
    source: { kind: "pip", version: "2.21.0" },
  });
  const source = (given: string) => parseCommand(["setup", "--device", "cpu", "--tensorflow", given]);
  expect(source("2.20.0rc1")).toMatchObject({ device: "cpu", source: { kind: "pip", version: "2.20.0rc1" } });
  expect(source("a/tf.whl")).toMatchObject({ source: { kind: "wheel", path: "a/tf.whl" } });
  const folder = temporaryFolder();
  expect(source(folder)).toMatchObject({ source: { kind: "directory", path: folder } });
});

test("--undo is for one device or for all", () => {
  expect(parseCommand(["setup", "--undo"])).toEqual({ kind: "undo" });
  expect(parseCommand(["setup", "--undo", "--device", "cpu"])).toEqual({ kind: "undo", device: "cpu" });
});

test("verify passes its options on", () => {
  expect(parseCommand(["verify"])).toEqual({ kind: "verify", device: "cuda", tf32: "off" });
  expect(parseCommand(["verify", "--device", "cpu", "--addon", "a.node", "--tf32", "on", "--out", "r.json"])).toEqual({
    kind: "verify",
    device: "cpu",
    tf32: "on",
    addon: "a.node",
    out: "r.json",
  });
});

test.each([
  [["sing"], "the command must be setup or verify, got sing."],
  [["setup", "now"], "`now` is too much after setup."],
  [["setup", "--device", "tpu"], "--device must be cuda or cpu, got tpu."],
  [
    ["setup", "--tensorflow", "/nowhere"],
    "--tensorflow must be a folder, a wheel file or a version such as 2.21.0, got /nowhere.",
  ],
  [["setup", "--undo", "--tensorflow", "2.21.0"], "--undo takes no --tensorflow."],
  [["setup", "--out", "r.json"], "setup takes no --out."],
  [["verify", "--undo"], "verify takes no --undo."],
  [["verify", "--tf32", "maybe"], "--tf32 must be on or off, got maybe."],
  [["verify", "--loud"], "Unknown option '--loud'"],
])("%j is refused", (parameters, problem) => {
  expect(() => parseCommand(parameters)).toThrow(problem);
  expect(() => parseCommand(parameters)).toThrow("Try --help.");
});
