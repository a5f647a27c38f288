import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeDirectory } from "@imagine-opd/host/node";
import { readSamples } from "@imagine-opd/run-log";
import { afterAll, beforeAll, expect, test } from "vitest";
import { bundle } from "../../../scripts/run.mjs";
import { writeTinyCheckpoint } from "./tiny-model/write-tiny-checkpoint.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));
let home: string;
let program: string;
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), "imagine-opd-start-"));
  program = await bundle(fileURLToPath(new URL("./start.ts", import.meta.url)));
  await writeDirectory(join(home, "model"), (sink) => writeTinyCheckpoint(sink, { seed: 1 }));
}, 120_000);
afterAll(() => rmSync(home, { recursive: true, force: true }));

/** Runs the main job in small on a model of random weights. */
function start(out: string, ...more: string[]): string {
  const size = ["--steps", "2", "--paper-steps", "1", "--evaluate", "8", "--backend", "wasm"];
  const args = ["--model", join(home, "model"), "--out", join(home, out), ...size, ...more];
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], { encoding: "utf8" });
  expect(stderr, stderr).not.toContain("error:");
  expect(status).toBe(0);
  return stdout;
}

const metricsOf = (out: string): unknown[] =>
  readFileSync(join(home, out, "metrics.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => ({ ...JSON.parse(line), system: undefined }));

test("the main job measures, trains and reports; the same seed gives the same metrics and samples", () => {
  const output = start("first");
  for (const row of [
    "student before",
    "student after",
    "teacher with views",
    "large signs before",
    "large signs after",
  ])
    expect(output).toMatch(new RegExp(`^${row} +\\d`, "m"));
  expect(output).toContain("How the base model was made");
  const out = join(home, "first");
  for (const file of [
    "report.html",
    "evaluations.json",
    "config.json",
    "final/model.safetensors",
    "scenes/scene-0.png",
  ])
    expect(existsSync(join(out, file)), file).toBe(true);
  expect(existsSync(join(out, "final/imagine-opd-prompts.json"))).toBe(true);

  const samples = readSamples(readFileSync(join(out, "samples.jsonl"), "utf8"));
  expect(samples.filter(({ evaluation }) => evaluation === "student after")).toHaveLength(8);
  const recount = execFileSync(process.execPath, [join(root, "scripts/recount.mjs"), out], { encoding: "utf8" });
  expect(recount).toContain("student after");

  start("second", "--paper-steps", "0");
  expect(metricsOf("second")).toEqual(metricsOf("first"));
  const own = (name: string) => readFileSync(join(home, name, "samples.jsonl"), "utf8");
  expect(own("second")).toBe(own("first"));
}, 400_000);

test("a control changes what the teacher sees, and the report says so", () => {
  const output = start("control", "--control", "shuffled", "--steps", "1");
  expect(output).toContain("Control: the teacher saw the views of other scenes");
  const config = JSON.parse(readFileSync(join(home, "control", "config.json"), "utf8"));
  expect(config.deviations).toContainEqual({ field: "views", preset: "the record's own", value: "shuffled" });
  expect(readFileSync(join(home, "control", "report.html"), "utf8")).toContain(
    "the teacher saw the views of other scenes",
  );
  expect(existsSync(join(home, "control", "paper-form"))).toBe(false);
}, 200_000);

test("a model that is not there is named before anything is made", () => {
  const out = join(home, "none");
  const args = ["--model", join(home, "nothing"), "--out", out, "--backend", "wasm"];
  const { status, stderr } = spawnSync(process.execPath, [program, ...args], { encoding: "utf8" });
  expect(status).toBe(1);
  expect(stderr).toContain("there is no directory");
}, 60_000);
