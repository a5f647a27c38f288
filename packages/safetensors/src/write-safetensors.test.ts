import { memoryFiles } from "@imagine-opd/test-kit";
import fc from "fast-check";
import { expect, test } from "vitest";
import { countBytes, dtypes } from "./dtype.ts";
import type { TensorToWrite } from "./lay-out.ts";
import { openSafetensors } from "./open-safetensors.ts";
import { writeSafetensors } from "./write-safetensors.ts";

const bytesOf = (name: string, dtype: "U8" | "F32", shape: number[], data: Uint8Array): TensorToWrite => ({
  name,
  dtype,
  shape,
  data: () => data,
});

test("the bytes are those of safetensors 0.8.0 in Python", async () => {
  const files = memoryFiles();
  await writeSafetensors(
    files,
    "w",
    [
      bytesOf("b", "F32", [0, 3], new Uint8Array(0)),
      bytesOf("u", "U8", [3], Uint8Array.of(1, 2, 3)),
      bytesOf('é"', "F32", [2], new Uint8Array(8)),
      bytesOf("/x\u007f\n", "F32", [], new Uint8Array(4)),
    ],
    { a: "2", z: "1" },
  );
  // save({...}, metadata={"z": "1", "a": "2"}) of safetensors.torch
  const header =
    '{"__metadata__":{"a":"2","z":"1"},"/x\u007f\\n":{"dtype":"F32","shape":[],"data_offsets":[0,4]},' +
    '"b":{"dtype":"F32","shape":[0,3],"data_offsets":[4,4]},"é\\"":{"dtype":"F32","shape":[2],"data_offsets":[4,12]},' +
    '"u":{"dtype":"U8","shape":[3],"data_offsets":[12,15]}}';
  const json = new TextEncoder().encode(header);
  const padded = Math.ceil(json.length / 8) * 8;
  const written = files.contents.get("w")!;
  expect(new DataView(written.buffer).getBigUint64(0, true)).toBe(BigInt(padded));
  expect(new TextDecoder().decode(written.subarray(8, 8 + padded))).toBe(
    header.padEnd(header.length + padded - json.length),
  );
  expect([...written.subarray(8 + padded)]).toEqual([...new Array(12).fill(0), 1, 2, 3]);
});

test('the metadata is {"format":"pt"} unless the caller gives others', async () => {
  const files = memoryFiles();
  await writeSafetensors(files, "default", []);
  await writeSafetensors(files, "none", [], {});
  expect((await openSafetensors(files, "default")).metadata).toEqual({ format: "pt" });
  expect((await openSafetensors(files, "none")).metadata).toEqual({});
});

test("tensors are asked for one after the other, when the one before is out", async () => {
  const events: string[] = [];
  const slow = (name: string): TensorToWrite => ({
    name,
    dtype: "U8",
    shape: [1],
    data: async () => {
      events.push(`make ${name}`);
      return new Uint8Array(1);
    },
  });
  await writeSafetensors(
    {
      async write(_name, content) {
        for await (const chunk of content as AsyncIterable<Uint8Array>)
          events.push(`write ${chunk.length > 1 ? "header" : ""}`);
      },
    },
    "w",
    [slow("a"), slow("b")],
  );
  expect(events).toEqual(["write header", "make a", "write ", "make b", "write "]);
});

test("what was written is read back, whatever names, dtypes, shapes and order", async () => {
  const name = fc.oneof(fc.string(), fc.string({ unit: "binary" }), fc.constantFrom("1", "0", "toString", "a.b"));
  const tensor = fc
    .record({
      name: name.filter((text) => text !== "__proto__" && text !== "__metadata__"),
      dtype: fc.constantFrom(...dtypes),
      shape: fc.array(fc.nat(3), { maxLength: 4 }),
    })
    .chain((entry) => {
      const length = countBytes(entry.dtype, entry.shape)!;
      const data = fc.uint8Array({ minLength: length, maxLength: length });
      return data.map((bytes) => ({ ...entry, bytes }));
    });
  const tensors = fc.uniqueArray(tensor, { selector: (entry) => entry.name, maxLength: 8 });
  const metadata = fc.dictionary(fc.string(), fc.string(), { noNullPrototype: true });
  await fc.assert(
    fc.asyncProperty(tensors, metadata, async (entries, strings) => {
      if (Object.hasOwn(strings, "__proto__")) return;
      const files = memoryFiles();
      const toWrite = entries.map(({ bytes, ...entry }) => ({ ...entry, data: () => bytes }));
      await writeSafetensors(files, "w", toWrite, strings);
      const opened = await openSafetensors(files, "w");
      expect(opened.metadata).toEqual(strings);
      expect(opened.tensors.size).toBe(entries.length);
      for (const { bytes, ...entry } of entries) {
        expect(await opened.read(entry.name)).toEqual({ ...entry, data: bytes });
        expect(opened.tensors.get(entry.name)!.from % (countBytes(entry.dtype, []) as number)).toBe(0);
      }
      await writeSafetensors(files, "again", [...toWrite].reverse(), strings);
      expect(files.contents.get("again")).toEqual(files.contents.get("w"));
    }),
    { numRuns: 200 },
  );
});

test.each([
  [
    "given twice",
    [bytesOf("a", "U8", [0], new Uint8Array(0)), bytesOf("a", "U8", [0], new Uint8Array(0))],
    /"a" was given twice/,
  ],
  ["reserved", [bytesOf("__metadata__", "U8", [0], new Uint8Array(0))], /"__metadata__" has a reserved name/],
  ["reserved by the language", [bytesOf("__proto__", "U8", [0], new Uint8Array(0))], /"__proto__" has a reserved name/],
  ["of an impossible shape", [bytesOf("a", "U8", [-1], new Uint8Array(0))], /"a" has the impossible shape \[-1\]/],
  [
    "of an unknown dtype",
    [{ ...bytesOf("a", "U8", [0], new Uint8Array(0)), dtype: "F31" as "F32" }],
    /unknown dtype "F31"/,
  ],
  ["of too few bytes", [bytesOf("a", "F32", [2], new Uint8Array(4))], /"a" gave 4 bytes; F32 of shape \[2\] has 8/],
])("a tensor is refused that is %s, and no file appears", async (_title, tensors, message) => {
  const files = memoryFiles();
  await expect(writeSafetensors(files, "w", tensors)).rejects.toThrow(message);
  expect(files.contents.size).toBe(0);
});
