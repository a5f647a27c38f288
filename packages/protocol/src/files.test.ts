import { memoryFiles } from "@imagine-opd/test-kit";
import { expect, test } from "vitest";
import { readJson, readText } from "./files.ts";

test("text of every length of UTF-8 character comes back; a byte order mark does not", async () => {
  const files = memoryFiles({
    "a.txt": "grün 鏡 🪁",
    "marked.txt": Uint8Array.of(0xef, 0xbb, 0xbf, 0x7b, 0x7d),
    empty: "",
  });
  expect(await readText(files, "a.txt")).toBe("grün 鏡 🪁");
  expect(await readText(files, "marked.txt")).toBe("{}");
  expect(await readText(files, "empty")).toBe("");
});

test.each([
  ["a byte that no character begins with", Uint8Array.of(0x61, 0xff)],
  ["a character that is cut short", Uint8Array.of(0xf0, 0x9f, 0xaa)],
  ["Latin-1", Uint8Array.of(0x67, 0x72, 0xfc, 0x6e)],
])("%s is invalid data, by the file's name", async (_what, bytes) => {
  await expect(readText(memoryFiles({ "config.json": bytes }), "config.json")).rejects.toMatchObject({
    name: "ImagineOpdError",
    code: "invalid-data",
    details: { name: "config.json" },
    message: expect.stringContaining('protocol.readText: "config.json" must be UTF-8 text, got bytes that are not.'),
  });
});

test("what the source rejects with is passed on", async () => {
  await expect(readText(memoryFiles(), "gone.txt")).rejects.toMatchObject({ code: "missing-file" });
});

test("JSON comes back as its value", async () => {
  expect(await readJson(memoryFiles({ "a.json": '{ "b": [1, null] }' }), "a.json")).toEqual({ b: [1, null] });
});

test.each([
  ["a file that is cut short", '{ "b": [1'],
  ["an empty file", ""],
  ["a web page", "<html></html>"],
])("%s is invalid data, by the file's name", async (_what, text) => {
  await expect(readJson(memoryFiles({ "config.json": text }), "config.json")).rejects.toMatchObject({
    name: "ImagineOpdError",
    code: "invalid-data",
    details: { name: "config.json" },
    message: expect.stringContaining('protocol.readJson: "config.json" must be JSON, got text that is not.'),
  });
});
