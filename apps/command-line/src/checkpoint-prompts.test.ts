import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promptTemplates } from "@imagine-opd/imagination-prompts";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { copyCheckpointPrompts, promptsFile, readCheckpointPrompts } from "./checkpoint-prompts.ts";

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "prompts-"));
});
beforeEach(() => rmSync(join(directory, promptsFile), { force: true }));
afterAll(() => rmSync(directory, { recursive: true }));

const write = (text: string) => writeFileSync(join(directory, promptsFile), text);

test("a checkpoint without the file is asked with our prompts", () => {
  expect(readCheckpointPrompts(directory)).toBe(promptTemplates);
  expect(copyCheckpointPrompts(directory)).toBeUndefined();
});

test("the file's prompts stand in for ours, one by one", () => {
  const text = JSON.stringify({ student: { id: "mine", version: 3, text: "Look." } });
  write(text);
  const prompts = readCheckpointPrompts(directory);
  expect(prompts.student).toEqual({ id: "mine", version: 3, text: "Look." });
  expect(prompts.direct).toBe(promptTemplates.direct);
  expect(copyCheckpointPrompts(directory)).toBe(text);
});

test.each([
  ["{", "does not hold a JSON object"],
  ["[]", "does not hold a JSON object"],
  ['{"studnet": {"id": "a", "version": 1, "text": ""}}', 'names a prompt "studnet" that there is not'],
  ['{"student": "Look."}', 'has no id, version and text for "student"'],
])("%s is refused", (text, message) => {
  write(text);
  expect(() => readCheckpointPrompts(directory)).toThrow(message);
});
