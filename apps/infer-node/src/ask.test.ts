import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { goldenPath, readGoldenJson } from "@imagine-opd/test-kit";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { families, largestDifference } from "../../../goldens/family.ts";
import { spawnProgram } from "./spawn-program.ts";

const picture = goldenPath("common/images/a.png");
let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "ask-"));
});
afterAll(() => rmSync(directory, { recursive: true }));

describe.each(families)("%s", (family) => {
  const { cases } = readGoldenJson(`${family}/ask.json`);
  const adapted = readGoldenJson(`${family}/adapter_expected.json`).ask;
  // Pictures and a question in one user turn: what `raw` asks.
  const rawCases = [0, 2].map((index) => ({ asked: cases[index], adapted: adapted[index] }));
  const words = ({ files, messages }: { files: string[]; messages: { content: { text?: string }[] }[] }) => [
    ...["--model", goldenPath(family), "--prompt", "raw", "--question", messages[0]!.content.at(-1)!.text!],
    ...files.flatMap((file) => ["--image", goldenPath(file)]),
  ];

  test.each(rawCases)("--json answers like transformers, on both backends", async (raw) => {
    for (const backend of ["wasm", "cpu"]) {
      const expected = backend === "cpu" ? raw.adapted : raw.asked;
      const adapter = backend === "cpu" ? ["--adapter", goldenPath(`${family}/adapter`)] : [];
      const count = String(expected.generated_ids.length);
      const options = ["--json", "--max-tokens", count, "--backend", backend, ...adapter];
      const { code, stdout, stderr } = await spawnProgram("ask", [...words(raw.asked), ...options]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout).toMatch(/^\{[^\n]*\}\n$/);
      const record = JSON.parse(stdout);
      expect(record).toMatchObject({ answer: null, prompt: "raw", backend, stopReason: "length" });
      expect(record.promptTokenIds).toEqual(raw.asked.input_ids);
      expect(record.tokenIds).toEqual(expected.generated_ids);
      expect(record.text).toBe(expected.generated_text);
      expect(largestDifference(record.logProbs, expected.generated_logprobs)).toBeLessThan(1e-4);
    }
  });
});

test("without --json the text alone goes to stdout, and one line to stderr", async () => {
  const { cases } = readGoldenJson("idefics3/ask.json");
  const config = join(directory, "config.json");
  writeFileSync(
    config,
    JSON.stringify({ model: goldenPath("idefics3"), prompt: "raw", maxTokens: 10, backend: "cpu" }),
  );
  const question = cases[0].messages[0].content[1].text;
  const { code, stdout, stderr } = await spawnProgram("ask", [
    ...["--config", config, "--image", picture, "--question", question],
  ]);
  expect({ code, stdout }).toEqual({ code: 0, stdout: `${cases[0].generated_text}\n` });
  expect(stderr).toMatch(/^10 tokens in [\d.]+ s, [\d.]+ tokens\/s, backend cpu\n$/);
});

describe("refusals: one line, nothing on stdout", () => {
  const model = ["--model", goldenPath("idefics3")];
  const image = ["--image", picture];
  const question = ["--question", "007"];
  const inDirectory = (name: string) => join(directory, name);
  beforeAll(() => {
    mkdirSync(inDirectory("empty"));
    mkdirSync(inDirectory("cut"));
    for (const name of ["config.json", "generation_config.json", "preprocessor_config.json", "chat_template.jinja"]) {
      copyFileSync(goldenPath(`idefics3/${name}`), inDirectory(`cut/${name}`));
    }
    for (const name of ["tokenizer.json", "tokenizer_config.json"]) {
      copyFileSync(goldenPath(`idefics3/${name}`), inDirectory(`cut/${name}`));
    }
    const weights = readFileSync(goldenPath("idefics3/model.safetensors"));
    writeFileSync(inDirectory("cut/model.safetensors"), weights.subarray(0, 100_000));
    writeFileSync(inDirectory("cut.png"), readFileSync(picture).subarray(0, 300));
  });

  test.each<[string, () => string[], number, RegExp]>([
    ["no model directory", () => ["--model", inDirectory("none"), ...image], 1, /there is no directory .*none/],
    ["no config.json", () => ["--model", inDirectory("empty"), ...image], 1, /there is no config\.json/],
    ["cut weights", () => ["--model", inDirectory("cut"), ...image], 1, /model\.safetensors.*has only \d+ bytes/],
    ["no such picture", () => [...model, "--image", "none.png"], 1, /picture none\.png cannot be read/],
    ["a cut picture", () => [...model, "--image", inDirectory("cut.png")], 1, /cut\.png does not decode/],
    ["an unknown option", () => [...model, ...image, "--frobnicate"], 2, /unknown option '--frobnicate'/],
    ["bad --max-tokens", () => [...model, ...image, "--max-tokens", "ten"], 2, /'ten' is invalid/],
    [
      "another model's adapter",
      () => [...model, ...image, "--adapter", goldenPath("qwen2_vl/adapter")],
      1,
      /the checkpoint has no such module/,
    ],
    ["too long", () => [...model, ...image, "--max-tokens", "9999"], 1, /the policy's context holds 512/],
  ])("%s", async (_, words, expectedCode, message) => {
    const { code, stdout, stderr } = await spawnProgram("ask", [...words(), ...question]);
    expect({ code, stdout }).toEqual({ code: expectedCode, stdout: "" });
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(expectedCode === 2 ? /^error: .+\n\(--help shows the options\)\n$/ : /^error: .+\n$/);
  });
});
