import { isImagineOpdError } from "@imagine-opd/protocol";
import { memoryFiles } from "@imagine-opd/test-kit";
import fc from "fast-check";
import { expect, test } from "vitest";
import { openSafetensors } from "./open-safetensors.ts";
import { toFloat32 } from "./to-float32.ts";
import { writeSafetensors } from "./write-safetensors.ts";

/** A file with this header text (or object) and so many zero bytes of data. */
function fileOf(header: string | object, dataBytes: number, claimedLength?: bigint): Uint8Array {
  const json = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const file = new Uint8Array(8 + json.length + dataBytes);
  new DataView(file.buffer).setBigUint64(0, claimedLength ?? BigInt(json.length), true);
  file.set(json, 8);
  return file;
}

const open = (file: Uint8Array) => openSafetensors(memoryFiles({ "w.safetensors": file }), "w.safetensors");
const entry = (dtype: string, shape: unknown, from: unknown, to: unknown) => ({
  dtype,
  shape,
  data_offsets: [from, to],
});

test("a file gives names, dtypes, shapes, byte ranges, metadata and each tensor's bytes", async () => {
  const header = {
    __metadata__: { format: "pt" },
    b: entry("BF16", [2, 1], 8, 12),
    a: entry("F32", [2], 0, 8),
    none: entry("I64", [0, 3], 12, 12),
    scalar: entry("U8", [], 12, 13),
  };
  const file = fileOf(header, 13);
  const start = file.length - 13;
  new DataView(file.buffer).setFloat32(start + 4, -1.5, true);
  file[start + 12] = 7;
  const opened = await open(file);
  expect(opened.metadata).toEqual({ format: "pt" });
  expect([...opened.tensors]).toEqual([
    ["a", { file: "w.safetensors", dtype: "F32", shape: [2], from: start, to: start + 8 }],
    ["b", { file: "w.safetensors", dtype: "BF16", shape: [2, 1], from: start + 8, to: start + 12 }],
    ["none", { file: "w.safetensors", dtype: "I64", shape: [0, 3], from: start + 12, to: start + 12 }],
    ["scalar", { file: "w.safetensors", dtype: "U8", shape: [], from: start + 12, to: start + 13 }],
  ]);
  expect(toFloat32(await opened.read("a"))).toEqual(Float32Array.of(0, -1.5));
  expect(await opened.read("scalar")).toEqual({ name: "scalar", dtype: "U8", shape: [], data: Uint8Array.of(7) });
  expect((await opened.read("none")).data).toHaveLength(0);
});

test("only the header and the tensors that are asked for are read", async () => {
  const header = JSON.stringify({ a: entry("F32", [1000], 0, 4000), b: entry("F32", [3], 4000, 4012) });
  const files = memoryFiles({ w: fileOf(header, 4012) });
  const opened = await openSafetensors(files, "w");
  expect(files.bytesRead).toBe(8 + header.length);
  await opened.read("b");
  expect(files.bytesRead).toBe(8 + header.length + 12);
});

test("an empty header is a file without tensors", async () => {
  expect((await open(fileOf({}, 0))).tensors.size).toBe(0);
});

test("names that objects inherit are ordinary names", async () => {
  const opened = await open(fileOf({ constructor: entry("U8", [1], 0, 1), __metadata__: { toString: "x" } }, 1));
  expect([...opened.tensors.keys()]).toEqual(["constructor"]);
  expect(opened.tensors.has("toString")).toBe(false);
});

const f32 = entry("F32", [1], 0, 4);
const hostile: [title: string, file: Uint8Array, message: RegExp][] = [
  ["7 bytes", new Uint8Array(7), /is 7 bytes long/],
  ["a header longer than the format allows", fileOf("{}", 0, 100_000_001n), /claims a header of 100000001 bytes/],
  ["a length of 2^64 - 1", fileOf("{}", 0, 2n ** 64n - 1n), /claims a header of 18446744073709551615 bytes/],
  ["a header past the end", fileOf("{}", 0, 3n), /claims a header of 3 bytes and has only 2/],
  ["an empty header", fileOf("", 0), /header that is not JSON/],
  ["broken JSON", fileOf('{"a":', 0), /header that is not JSON/],
  ["a byte that is not UTF-8", fileOf("{}", 1, 3n).fill(0xff, 9, 10), /header that is not JSON in UTF-8/],
  ["a byte order mark", fileOf("\ufeff{}", 0), /header that is not JSON/],
  ["an array", fileOf([], 0), /not a JSON object/],
  ["null", fileOf("null", 0), /not a JSON object/],
  ["a name twice", fileOf(`{"a":${JSON.stringify(f32)},"a":${JSON.stringify(f32)}}`, 4), /names "a" twice/],
  [
    "a name twice, once escaped",
    fileOf(`{"a":${JSON.stringify(f32)} ,"\\u0061" :${JSON.stringify(f32)}}`, 4),
    /names "a" twice/,
  ],
  [
    "a member twice",
    fileOf('{"a":{"dtype":"F32","dtype":"I32","shape":[1],"data_offsets":[0,4]}}', 4),
    /"dtype" twice/,
  ],
  ["the name __proto__", fileOf(`{"__proto__":${JSON.stringify(f32)}}`, 4), /tensor "__proto__": the name is reserved/],
  ["__proto__ in the metadata", fileOf('{"__metadata__":{"__proto__":"x"}}', 0), /reserved name `__proto__`/],
  [
    "an entry with only a prototype",
    fileOf(`{"a":{"__proto__":${JSON.stringify(f32)}}}`, 4),
    /unknown member "__proto__"/,
  ],
  ["metadata that is not an object", fileOf({ __metadata__: "pt" }, 0), /`__metadata__` that is not an object/],
  ["metadata that is not text", fileOf({ __metadata__: { step: 3 } }, 0), /not a string: "step"/],
  ["an entry that is not an object", fileOf({ a: [1] }, 0), /tensor "a": it is not an object/],
  ["an unknown member", fileOf({ a: { ...f32, strides: [1] } }, 4), /unknown member "strides"/],
  ["no shape", fileOf({ a: { dtype: "F32", data_offsets: [0, 4] } }, 4), /"a": `shape` must be/],
  ["no offsets", fileOf({ a: { dtype: "F32", shape: [1] } }, 4), /"a": `data_offsets` must be/],
  ["three offsets", fileOf({ a: { ...f32, data_offsets: [0, 4, 4] } }, 4), /`data_offsets` must be two/],
  ["an unknown dtype", fileOf({ a: entry("F31", [1], 0, 4) }, 4), /tensor "a" a `dtype` that is unknown: "F31"/],
  ["a dtype from the prototype", fileOf({ a: entry("toString", [1], 0, 4) }, 4), /unknown: "toString"/],
  ["a negative size", fileOf({ a: entry("F32", [-1], 0, 4) }, 4), /`shape` must be an array of integers from 0/],
  ["a fractional size", fileOf({ a: entry("F32", [0.5], 0, 2) }, 2), /`shape` must be an array of integers/],
  ["a product beyond 2^53", fileOf({ a: entry("U8", [2 ** 27, 2 ** 27], 0, 4) }, 4), /more than 2\^53 bytes/],
  ["a product that overflows to 0", fileOf({ a: entry("U8", [2 ** 52, 2 ** 52, 0], 0, 0) }, 0), /more than 2\^53/],
  ["a negative offset", fileOf({ a: entry("F32", [1], -4, 0) }, 4), /`data_offsets` must be two integers from 0/],
  ["offsets that run backwards", fileOf({ a: entry("F32", [1], 4, 0) }, 4), /run backwards, from 4 to 0/],
  ["offsets past the end", fileOf({ a: entry("F32", [2], 0, 8) }, 7), /end at 8, and the file has only 7 bytes/],
  [
    "a length that is not the shape's",
    fileOf({ a: entry("F32", [2], 0, 4) }, 4),
    /takes 8 bytes, `data_offsets` cover 4/,
  ],
  ["an overlap", fileOf({ a: f32, b: entry("F32", [1], 2, 6) }, 6), /overlaps the tensor before it: "b"/],
  ["two tensors in one place", fileOf({ a: f32, b: f32 }, 4), /overlaps the tensor before it: "b"/],
  [
    "a hole",
    fileOf({ a: f32, b: entry("F32", [1], 5, 9) }, 9),
    /leaves a hole before it: "b" begins at data byte 5, not 4/,
  ],
  ["a hole at the start", fileOf({ a: entry("F32", [1], 1, 5) }, 5), /leaves a hole before it: "a"/],
  ["bytes after the last tensor", fileOf({ a: f32 }, 6), /2 bytes after its last tensor/],
];

test.each(hostile)("refuses %s", async (_title, file, message) => {
  const error = await open(file).catch((reason: unknown) => reason);
  expect(error).toMatchObject({ code: "invalid-data", message: expect.stringMatching(message) });
  expect((error as Error).message).toMatch(/^safetensors\.openSafetensors: "w\.safetensors" /);
});

test("elements smaller than a byte are unsupported, not invalid", async () => {
  await expect(open(fileOf({ a: entry("F4", [2], 0, 1) }, 1))).rejects.toMatchObject({
    code: "unsupported",
    message: expect.stringContaining('"w.safetensors": tensor "a" has elements smaller than a byte (F4)'),
  });
});

test("a missing file and a missing tensor are named", async () => {
  await expect(openSafetensors(memoryFiles(), "w")).rejects.toMatchObject({
    code: "missing-file",
    message: expect.stringContaining('there is no file "w"'),
  });
  await expect((await open(fileOf({}, 0))).read("a")).rejects.toMatchObject({
    code: "invalid-argument",
    message: expect.stringContaining('there is no tensor "a" among the 0'),
  });
});

test("a source that gives too few bytes is caught", async () => {
  const files = memoryFiles({ w: fileOf({ a: f32 }, 4) });
  const opened = await openSafetensors(files, "w");
  const short = { ...files, read: async () => new Uint8Array(3) };
  const other = await openSafetensors(
    { ...files, read: (n, r) => (r!.from > 8 ? short.read() : files.read(n, r)) },
    "w",
  );
  expect((await opened.read("a")).data).toHaveLength(4);
  await expect(other.read("a")).rejects.toThrow(/gave 3 bytes for tensor "a" where 4 were asked for/);
});

test("a file cut or changed anywhere gives a tensor file or an ImagineOpdError, nothing else", async () => {
  const files = memoryFiles();
  await writeSafetensors(files, "w", [
    { name: "a", dtype: "F32", shape: [2, 2], data: () => new Uint8Array(16) },
    { name: "b", dtype: "BF16", shape: [3], data: () => new Uint8Array(6) },
  ]);
  const good = files.contents.get("w")!;
  const change = fc.record({ at: fc.nat(good.length - 1), to: fc.integer({ min: 0, max: 255 }) });
  await fc.assert(
    fc.asyncProperty(fc.array(change, { maxLength: 3 }), fc.nat(good.length), async (changes, length) => {
      const file = good.slice(0, length);
      for (const { at, to } of changes) if (at < length) file[at] = to;
      try {
        const opened = await open(file);
        for (const name of opened.tensors.keys()) await opened.read(name);
      } catch (error) {
        if (!isImagineOpdError(error)) throw error;
      }
    }),
    { numRuns: 1000 },
  );
});

test("a header of random JSON gives a tensor file or an ImagineOpdError, nothing else", async () => {
  const size = fc.oneof(fc.nat(9), fc.integer(), fc.double());
  const someEntry = fc.record(
    { dtype: fc.constantFrom("F32", "U8", "X"), shape: fc.array(size), data_offsets: fc.array(size, { maxLength: 3 }) },
    { requiredKeys: [] },
  );
  const header = fc.oneof(fc.dictionary(fc.string(), fc.oneof(someEntry, fc.jsonValue())), fc.jsonValue());
  await fc.assert(
    fc.asyncProperty(header, fc.nat(20), async (value, dataBytes) => {
      try {
        await open(fileOf(JSON.stringify(value), dataBytes));
      } catch (error) {
        if (!isImagineOpdError(error)) throw error;
      }
    }),
    { numRuns: 1000 },
  );
});
