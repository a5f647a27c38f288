import { describe, expect, it } from "vitest";
import { openBlobs } from "./open-blobs.ts";

const files = openBlobs({ "b.bin": new Blob([Uint8Array.of(1, 2, 3)]), "a/empty": new Blob([]) });

describe("openBlobs", () => {
  it("lists, measures and reads", async () => {
    expect(await files.list()).toEqual(["a/empty", "b.bin"]);
    expect(await files.size("b.bin")).toBe(3);
    expect(await files.size("toString")).toBeUndefined();
    expect(await files.read("b.bin")).toEqual(Uint8Array.of(1, 2, 3));
    expect(await files.read("b.bin", { from: 1, to: 2 })).toEqual(Uint8Array.of(2));
    expect(await files.read("a/empty")).toEqual(new Uint8Array(0));
  });

  it("refuses other names and ranges past the end", async () => {
    await expect(files.read("c")).rejects.toMatchObject({ code: "missing-file" });
    await expect(files.read("b.bin", { from: 0, to: 4 })).rejects.toThrow("but it holds 3");
    await expect(files.read("b.bin", { from: -1, to: 2 })).rejects.toMatchObject({ code: "invalid-argument" });
  });
});
