import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openLineLog } from "./line-log.ts";

let directory: string;
let path: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "lines-"));
  path = join(directory, "metrics.jsonl");
});
afterEach(() => rm(directory, { recursive: true }));

async function contentAfter(line: string, keep?: (line: string) => boolean): Promise<string> {
  const log = await openLineLog(path, keep === undefined ? {} : { keep });
  await log.append(line);
  await log.close();
  return readFile(path, "utf8");
}

describe("openLineLog", () => {
  it("makes the file and its directories", async () => {
    const log = await openLineLog(join(directory, "a/b/log.txt"));
    await log.close();
    expect(await readFile(join(directory, "a/b/log.txt"), "utf8")).toBe("");
  });

  it("writes lines in call order though nobody waits", async () => {
    const log = await openLineLog(path);
    for (let i = 0; i < 200; i++) void log.append(`${i}`);
    await log.close();
    expect(await readFile(path, "utf8")).toBe(Array.from({ length: 200 }, (_, i) => `${i}\n`).join(""));
  });

  it("goes on behind the complete lines and drops a torn one", async () => {
    await writeFile(path, '{"step":1}\n{"step":2}\n{"ste');
    expect(await contentAfter('{"step":3}')).toBe('{"step":1}\n{"step":2}\n{"step":3}\n');
  });

  it("drops a torn line even when it is the only one", async () => {
    await writeFile(path, "torn");
    expect(await contentAfter("whole")).toBe("whole\n");
  });

  it("keeps only the lines that the callback wants", async () => {
    await writeFile(path, '{"step":1}\n{"step":2}\n{"step":3}\n{"step":2}\n');
    const before = (line: string): boolean => JSON.parse(line).step <= 2;
    expect(await contentAfter('{"step":3}', before)).toBe('{"step":1}\n{"step":2}\n{"step":2}\n{"step":3}\n');
    expect(await readdir(directory)).toEqual(["metrics.jsonl"]);
  });

  it("reads lines whole across the borders of read chunks", async () => {
    const line = (i: number): string => `${i}:${"ü".repeat(5000)}`;
    await writeFile(path, Array.from({ length: 40 }, (_, i) => `${line(i)}\n`).join(""));
    const content = await contentAfter("end", (text) => Number.parseInt(text, 10) % 2 === 0);
    expect(content).toBe(`${Array.from({ length: 20 }, (_, i) => `${line(2 * i)}\n`).join("")}end\n`);
  });

  it("leaves the file alone when the callback throws", async () => {
    await writeFile(path, "not json\n");
    await expect(openLineLog(path, { keep: (line) => JSON.parse(line) })).rejects.toThrow(SyntaxError);
    expect(await readFile(path, "utf8")).toBe("not json\n");
    expect(await readdir(directory)).toEqual(["metrics.jsonl"]);
  });

  it("refuses a line of two lines, and lines after closing", async () => {
    const log = await openLineLog(path);
    await expect(log.append("a\nb")).rejects.toMatchObject({ code: "invalid-argument" });
    await log.append("c");
    await log.close();
    await log.close();
    await expect(log.append("d")).rejects.toMatchObject({ code: "disposed" });
    expect(await readFile(path, "utf8")).toBe("c\n");
  });
});
