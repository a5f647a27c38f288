import { describe, expect, test } from "vitest";
import { type AskOptions, askCommand } from "./ask-options.ts";
import { type EvaluateOptions, evaluateCommand } from "./evaluate-options.ts";

/** What the action gets; commander's own words in the error otherwise. */
async function parse<Options>(program: ReturnType<typeof askCommand>, words: readonly string[]): Promise<Options> {
  let seen: Options | undefined;
  program.exitOverride().configureOutput({ writeErr() {} });
  program.action((options) => {
    seen = options;
  });
  await program.parseAsync(words, { from: "user" });
  return seen!;
}
const ask = (...words: string[]) => parse<AskOptions>(askCommand(), words);
const least = ["--model", "m", "--image", "a.png", "--question", "007"];

describe("ask", () => {
  test("has defaults and keeps the question as it is written", async () => {
    expect(await ask(...least)).toEqual({
      model: "m",
      image: ["a.png"],
      question: "007",
      prompt: "imagine",
      maxTokens: 256,
      temperature: 0,
      seed: 0,
      backend: "auto",
      json: false,
    });
  });

  test("takes several pictures in order", async () => {
    expect((await ask(...least, "--image", "b.png", "--image", "c.png")).image).toEqual(["a.png", "b.png", "c.png"]);
  });

  test("raw asks without pictures", async () => {
    expect(await ask("--model", "m", "--question", "why", "--prompt", "raw")).toMatchObject({ image: [] });
  });

  test.each([
    [["--model", "m", "--image", "a.png"], "required option '--question <text>' not specified"],
    [["--model", "m", "--question", "why"], "--prompt imagine needs at least one --image"],
    [[...least, "--question", " "], "Expected a question."],
    [[...least, "--max-tokens", "0"], "Expected an integer of at least 1."],
    [[...least, "--temperature", "-1"], "Expected a number from 0."],
    [[...least, "--temperature", "1", "--top-p", "0"], "Expected a number above 0, at most 1."],
    [[...least, "--temperature", "1", "--top-p", "1.5"], "Expected a number from 0 to 1."],
    [[...least, "--top-k", "5"], "--top-p and --top-k need a --temperature above 0"],
    [[...least, "--prompt", "oracle"], "Allowed choices are imagine, direct, raw."],
    [[...least, "--image-splitting", "maybe"], "Allowed choices are on, off."],
    [[...least, "--backend", "gpu"], "Allowed choices are auto, cuda, tensorflow-cpu, webgpu, wasm, cpu."],
  ])("refuses %j", async (words, message) => {
    await expect(ask(...words)).rejects.toThrow(message);
  });
});

describe("evaluate", () => {
  const needed = ["--model", "m", "--data", "d.jsonl", "--images", "i"];
  const evaluate = (...words: string[]) => parse<EvaluateOptions>(evaluateCommand(), words);

  test("has defaults", async () => {
    expect(await evaluate(...needed)).toEqual({
      model: "m",
      data: "d.jsonl",
      images: "i",
      format: "visual-cot",
      badRecords: "fail",
      mode: "imagine",
      maxTokens: 256,
      temperature: 0,
      seed: 0,
      backend: "auto",
      json: false,
    });
  });

  test.each([
    [needed.slice(2), "required option '--model <dir>' not specified"],
    [[...needed, "--mode", "tools"], "Allowed choices are direct, imagine, zoom, oracle, blank."],
    [[...needed, "--format", "coco"], "Allowed choices are visual-cot, scenes."],
    [
      [...needed, "--zoom-by", "resized-pixel"],
      "Allowed choices are cells, pixel, xywh-pixel, unit, norm1000, yxyx1000.",
    ],
    [[...needed, "--limit", "0"], "Expected an integer of at least 1."],
  ])("refuses %j", async (words, message) => {
    await expect(evaluate(...words)).rejects.toThrow(message);
  });
});
