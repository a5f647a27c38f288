import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { moduleSha256, sourceSha256 } from "./simd-binary.ts";
import { simdModuleBytes } from "./simd-module.ts";

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

describe("the embedded module", () => {
  it("is the one whose hash was recorded", () => {
    expect(sha256(simdModuleBytes())).toBe(moduleSha256);
  });

  it("was built from the C source as it stands (else run native/build.sh)", () => {
    const native = new URL("../native/", import.meta.url);
    const sources = readdirSync(native).filter((name) => /\.[ch]$/.test(name));
    expect(sha256(Buffer.concat(sources.sort().map((name) => readFileSync(new URL(name, native)))))).toBe(sourceSha256);
  });

  it("imports the memory and nothing else, and has no static data", () => {
    const module = new WebAssembly.Module(simdModuleBytes());
    expect(WebAssembly.Module.imports(module)).toEqual([{ module: "env", name: "memory", kind: "memory" }]);
    expect(WebAssembly.Module.exports(module).every(({ kind }) => kind === "function")).toBe(true);
    expect(sections(simdModuleBytes()).has(11)).toBe(false);
  });

  it("keeps its stack in the first KiB, below all that tfjs uses", () => {
    // One mutable i32 global, the stack pointer, that starts at 1024 (two bytes in LEB128).
    expect(sections(simdModuleBytes()).get(6)).toEqual([1, 0x7f, 1, 0x41, 0x80, 0x08, 0x0b]);
  });
});

/** Contents of a wasm file's sections by id; 11 is static data, which would land on tfjs's own, and 6 the globals. */
function sections(bytes: Uint8Array): Map<number, number[]> {
  const contents = new Map<number, number[]>();
  for (let at = 8; at < bytes.length; ) {
    const id = bytes[at++]!;
    let size = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]!;
      size |= (byte & 127) << shift;
      if (byte < 128) break;
    }
    contents.set(id, Array.from(bytes.subarray(at, at + size)));
    at += size;
  }
  return contents;
}
