import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { writeDirectory } from "./write-directory.ts";

let parent: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), "write-"));
});
afterEach(() => rm(parent, { recursive: true }));

describe("writeDirectory", () => {
  it("shows nothing until everything is written", async () => {
    const target = join(parent, "run/step-1");
    await writeDirectory(target, async (sink) => {
      await sink.write("a.txt", "1");
      await sink.write("nested/b.txt", "2");
      expect((await readdir(join(parent, "run"))).filter((name) => !name.startsWith("."))).toEqual([]);
    });
    expect(await readdir(join(parent, "run"))).toEqual(["step-1"]);
    expect(await readFile(join(target, "nested/b.txt"), "utf8")).toBe("2");
  });

  it("replaces an existing directory whole", async () => {
    const target = join(parent, "step-1");
    await mkdir(target);
    await writeFile(join(target, "old.txt"), "old");
    await writeDirectory(target, async (sink) => {
      await sink.write("new.txt", "new");
      expect(await readdir(target)).toEqual(["old.txt"]);
    });
    expect(await readdir(target)).toEqual(["new.txt"]);
    expect(await readdir(parent)).toEqual(["step-1"]);
  });

  it("leaves everything as it was when filling fails", async () => {
    const target = join(parent, "step-1");
    await mkdir(target);
    await writeFile(join(target, "old.txt"), "old");
    const failing = writeDirectory(target, async (sink) => {
      await sink.write("new.txt", "new");
      throw new Error("disk full");
    });
    await expect(failing).rejects.toThrow("disk full");
    expect(await readdir(parent)).toEqual(["step-1"]);
    expect(await readdir(target)).toEqual(["old.txt"]);
  });

  it("writes an empty directory", async () => {
    await writeDirectory(join(parent, "empty"), async () => {});
    expect(await readdir(join(parent, "empty"))).toEqual([]);
  });

  it("refuses to replace a file", async () => {
    await writeFile(join(parent, "file"), "x");
    await expect(writeDirectory(join(parent, "file"), async () => {})).rejects.toThrow("is not a directory");
    expect(await readFile(join(parent, "file"), "utf8")).toBe("x");
  });
});
