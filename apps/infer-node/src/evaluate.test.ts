import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { summarizeSamples } from "@imagine-opd/evaluation";
import { goldenPath } from "@imagine-opd/test-kit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { spawnProgram } from "./spawn-program.ts";

const row = { question: "Which colour?", answer: "red", image: "a.png", bboxs: [[4, 4, 30, 30]], dataset: "shapes" };
const rows = [row, { ...row, image: "b.png", dataset: "digits" }, { ...row, image: "turned.jpg", dataset: "digits" }];
let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "evaluate-"));
});
afterAll(() => rmSync(directory, { recursive: true }));

/** The words of a command line over these rows. */
function over(lines: readonly unknown[], ...more: readonly string[]): string[] {
  const data = join(directory, "data.jsonl");
  writeFileSync(data, lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line))).join("\n"));
  const model = ["--model", goldenPath("smolvlm"), "--images", goldenPath("common/images")];
  return [...model, "--format", "visual-cot", "--data", data, "--max-tokens", "3", ...more];
}

test("report on stdout, progress on stderr, samples in the file", async () => {
  const out = join(directory, "deep", "samples.jsonl");
  const { code, stdout, stderr } = await spawnProgram("evaluate", over(rows, "--out", out));
  expect(code).toBe(0);
  expect(stderr).toMatch(/^evaluate 1\/3, \d+ s left, 0\.0 % correct\nevaluate 3\/3, 0 s left, 0\.0 % correct\n$/);
  expect(stdout).toMatch(
    /^mode {8}imagine\naccuracy {4}0\.0 % \(0 of 3\), 95 % interval 0\.0 to 56\.1 %\nunparsable {2}100\.0 % \(3 of 3\)\n/,
  );
  expect(stdout).toMatch(/\ncategory {2}accuracy\ndigits {4}0\.0 % \(0 of 2\).+\nshapes {4}0\.0 % \(0 of 1\).+\n$/);
  const samples = readFileSync(out, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(
    samples.map(({ id, answer, reference, tokenIds, logProbs }) => [
      id,
      answer,
      reference,
      tokenIds.length,
      logProbs.length,
    ]),
  ).toEqual(["visual-cot/shapes:1", "visual-cot/digits:2", "visual-cot/digits:3"].map((id) => [id, null, "red", 3, 3]));
  expect(readdirSync(join(directory, "deep"))).toEqual(["samples.jsonl"]);
});

test("--json prints the report without samples, the same as a recount of --out", async () => {
  const out = join(directory, "samples.jsonl");
  const adapter = ["--adapter", goldenPath("smolvlm/adapter")];
  const words = over(
    rows,
    "--json",
    "--out",
    out,
    "--mode",
    "direct",
    "--limit",
    "2",
    "--temperature",
    "0.7",
    "--backend",
    "cpu",
    ...adapter,
  );
  const { code, stdout } = await spawnProgram("evaluate", words);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^\{[^\n]*\}\n$/);
  const { seconds, ...record } = JSON.parse(stdout);
  expect(seconds).toBeGreaterThan(0);
  expect(record).toMatchObject({ mode: "direct", total: 2, backend: "cpu" });
  expect(record).not.toHaveProperty("samples");
  const samples = readFileSync(out, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(record).toMatchObject(summarizeSamples(samples));
});

test("scenes are drawn, not read: they need no directory of pictures", async () => {
  const data = join(directory, "scenes.json");
  writeFileSync(data, '{ "seed": 0, "split": "held-out", "count": 2 }');
  const words = ["--model", goldenPath("smolvlm"), "--format", "scenes", "--data", data, "--max-tokens", "2", "--json"];
  const { code, stdout } = await spawnProgram("evaluate", words);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ mode: "imagine", total: 2 });
});

test("rows that are left out are counted on stderr", async () => {
  const { code, stdout, stderr } = await spawnProgram("evaluate", over([row, "{", row], "--bad-records", "drop"));
  expect(code).toBe(0);
  expect(stderr).toContain("1 of 3 rows left out (malformed line: 1)\n");
  expect(stdout).toContain("(0 of 2)");
});

test("Ctrl-C ends it with 130 and leaves no file", async () => {
  const out = join(directory, "interrupted.jsonl");
  const many = over(
    Array.from({ length: 2000 }, () => row),
    "--out",
    out,
  );
  const { code, stdout, stderr } = await spawnProgram("evaluate", many, { interruptAt: "evaluate 1/2000" });
  expect({ code, stdout }).toEqual({ code: 130, stdout: "" });
  expect(stderr).toMatch(/stopping; nothing is written \(Ctrl-C again ends at once\)\ninterrupted\n$/);
  expect(existsSync(out)).toBe(false);
});

describe("refusals: one line, nothing on stdout, no file", () => {
  test.each<[string, () => string[], RegExp]>([
    ["no data file", () => over(rows, "--data", "none.jsonl"), /cannot read the data file none\.jsonl/],
    ["a malformed row", () => over([row, "{"]), /line 2: malformed line/],
    ["a row without a box", () => over([row, { ...row, bboxs: undefined }]), /line 2: missing box/],
    ["--mode zoom without its words", () => over(rows, "--mode", "zoom"), /--mode zoom needs --zoom-by/],
    ["--zoom-by in another mode", () => over(rows, "--zoom-by", "unit"), /--zoom-by belongs to --mode zoom/],
    ["no picture", () => over([{ ...row, image: "none.png" }]), /none\.png cannot be read/],
  ])("%s", async (_, words, message) => {
    const out = join(directory, "refused.jsonl");
    const { code, stdout, stderr } = await spawnProgram("evaluate", [...words(), "--out", out]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^error: .+\n$/);
    expect(existsSync(out)).toBe(false);
  });

  test("a model that never says where to look, after it was asked", async () => {
    const out = join(directory, "refused.jsonl");
    const { code, stdout, stderr } = await spawnProgram(
      "evaluate",
      over(rows, "--mode", "zoom", "--zoom-by", "unit", "--out", out),
    );
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/error: .*mode zoom needs a model that names a box in the space unit, and none of 3 .+\n$/);
    expect(existsSync(out)).toBe(false);
  });

  test("a directory as --out, before anything is asked", async () => {
    const { code, stderr } = await spawnProgram("evaluate", over(rows, "--out", directory));
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: infer-node\.evaluate: --out .+ is a directory\. Name a file\.\n$/);
  });
});
