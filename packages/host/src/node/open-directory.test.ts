import { mkdtemp, open, readdir, readFile, rm, symlink, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readText } from "@imagine-opd/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openDirectory } from "./open-directory.ts";

let path: string;
beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), "directory-"));
});
afterEach(() => rm(path, { recursive: true }));

describe("openDirectory", () => {
  it("writes bytes, text and chunks, and reads them back", async () => {
    const directory = openDirectory(path);
    await directory.write("b.bin", Uint8Array.of(1, 2, 3));
    await directory.write("nested/deep/a.txt", "grün");
    await directory.write(
      "chunks.bin",
      (async function* () {
        yield Uint8Array.of(1);
        yield Uint8Array.of(2, 3);
      })(),
    );
    await directory.write("list.bin", [Uint8Array.of(4), Uint8Array.of(5)]);
    expect(await directory.list()).toEqual(["b.bin", "chunks.bin", "list.bin", "nested/deep/a.txt"]);
    expect(await directory.read("b.bin")).toEqual(Uint8Array.of(1, 2, 3));
    expect(await directory.read("chunks.bin")).toEqual(Uint8Array.of(1, 2, 3));
    expect(await directory.read("list.bin")).toEqual(Uint8Array.of(4, 5));
    expect(await readText(directory, "nested/deep/a.txt")).toBe("grün");
    expect(await directory.size("nested/deep/a.txt")).toBe(5);
  });

  it("knows no size of what is not a file", async () => {
    const directory = openDirectory(path);
    await directory.write("a/b", "x");
    expect(await directory.size("nothing")).toBeUndefined();
    expect(await directory.size("a")).toBeUndefined();
    expect(await directory.size("a/b/c")).toBeUndefined();
  });

  it("reads ranges, also beyond 4 GiB", async () => {
    const far = 2 ** 32 + 5;
    const file = join(path, "sparse.bin");
    await writeFile(file, "start");
    await truncate(file, far + 10);
    const handle = await open(file, "r+");
    await handle.write(Uint8Array.of(7, 8, 9), 0, 3, far);
    await handle.close();
    const directory = openDirectory(path);
    expect(await directory.size("sparse.bin")).toBe(far + 10);
    expect(await directory.read("sparse.bin", { from: far - 1, to: far + 4 })).toEqual(Uint8Array.of(0, 7, 8, 9, 0));
    expect(await directory.read("sparse.bin", { from: 3, to: 3 })).toEqual(new Uint8Array(0));
  });

  it("follows links to files, as the hub's cache needs", async () => {
    const directory = openDirectory(path);
    await directory.write("blobs/1234", "weights");
    await symlink(join(path, "blobs/1234"), join(path, "model.safetensors"));
    await symlink(join(path, "gone"), join(path, "dangling"));
    expect(await directory.list()).toEqual(["blobs/1234", "model.safetensors"]);
    expect(await readText(directory, "model.safetensors")).toBe("weights");
  });

  it("leaves the old content and no other file when a write fails", async () => {
    const directory = openDirectory(path);
    await directory.write("a.txt", "old");
    async function* breaking(): AsyncGenerator<Uint8Array> {
      yield Uint8Array.of(1);
      expect(await directory.list()).toEqual(["a.txt"]); // the file under way is not listed
      expect(await readdir(path)).toHaveLength(2);
      throw new Error("out of ideas");
    }
    await expect(directory.write("a.txt", breaking())).rejects.toThrow("out of ideas");
    expect(await readdir(path)).toEqual(["a.txt"]);
    expect(await readFile(join(path, "a.txt"), "utf8")).toBe("old");
  });

  it("refuses names that lead out, absent files and ranges past the end", async () => {
    const directory = openDirectory(path);
    await directory.write("a.txt", "abc");
    for (const name of ["../a", "/etc/hosts"]) {
      await expect(directory.read(name)).rejects.toThrow("a file name must be relative");
      await expect(directory.write(name, "x")).rejects.toThrow("a file name must be relative");
      await expect(directory.size(name)).rejects.toThrow("a file name must be relative");
    }
    await expect(directory.read("b.txt")).rejects.toMatchObject({ code: "missing-file", message: /no file b\.txt/ });
    await expect(directory.read("a.txt", { from: 1, to: 4 })).rejects.toMatchObject({
      code: "invalid-data",
      message: /bytes 1 to 4 of a\.txt were asked for, but it holds 3/,
    });
    await expect(directory.read("a.txt", { from: 2, to: 1 })).rejects.toMatchObject({ code: "invalid-argument" });
    await expect(openDirectory(join(path, "nowhere")).list()).rejects.toMatchObject({ code: "missing-file" });
  });
});
