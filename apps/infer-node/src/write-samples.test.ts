import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EvaluationSample } from "@imagine-opd/evaluation";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writeSamples } from "./write-samples.ts";

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "samples-"));
});
afterAll(() => rmSync(directory, { recursive: true }));

const turn = {
  text: "top left",
  tokenIds: Int32Array.of(1, 2),
  logProbs: Float32Array.of(-0.5, -1),
  stopReason: "stop",
  promptTokens: 9,
  promptImages: 1,
} as const;
const sample: EvaluationSample = {
  ...turn,
  index: 0,
  id: "r:0",
  question: "q",
  reference: "3",
  correct: false,
  parsed: false,
};

test("both turns of mode zoom hold their tokens as lists; one turn has no key for the other", async () => {
  const file = join(directory, "samples.jsonl");
  const box = { left: 0, top: 0, right: 64, bottom: 64 };
  await writeSamples(file, [sample, { ...sample, firstTurn: { ...turn, boxes: [box] } }]);
  const [one, two] = readFileSync(file, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(one).toMatchObject({ answer: null, category: null, tokenIds: [1, 2], logProbs: [-0.5, -1] });
  expect(one).not.toHaveProperty("firstTurn");
  expect(two.firstTurn).toMatchObject({ text: "top left", boxes: [box], tokenIds: [1, 2], logProbs: [-0.5, -1] });
});
