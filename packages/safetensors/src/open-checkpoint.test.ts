import { memoryFiles } from "@imagine-opd/test-kit";
import { expect, test } from "vitest";
import { openCheckpoint } from "./open-checkpoint.ts";
import { writeCheckpoint } from "./write-checkpoint.ts";
import { writeSafetensors } from "./write-safetensors.ts";

const index = "model.safetensors.index.json";
const tensor = (name: string, ...bytes: number[]) => ({
  name,
  dtype: "U8" as const,
  shape: [bytes.length],
  data: () => Uint8Array.from(bytes),
});

/** Shards `one` (a, b) and `two` (c), and an index that a test changes. */
async function sharded(weightMap: unknown) {
  const files = memoryFiles({ [index]: JSON.stringify({ metadata: {}, weight_map: weightMap }) });
  await writeSafetensors(files, "one.safetensors", [tensor("a", 1), tensor("b", 2, 3)], { format: "pt", part: "1" });
  await writeSafetensors(files, "two.safetensors", [tensor("c", 4)]);
  return files;
}
const whole = { a: "one.safetensors", b: "one.safetensors", c: "two.safetensors" };

test("a single file is opened without an index", async () => {
  const files = memoryFiles();
  await writeCheckpoint(files, [tensor("a", 5)]);
  const opened = await openCheckpoint(files);
  expect([...opened.tensors.keys()]).toEqual(["a"]);
  expect((await opened.read("a")).data).toEqual(Uint8Array.of(5));
});

test("shards are one set of tensors", async () => {
  const opened = await openCheckpoint(await sharded(whole));
  expect([...opened.tensors].map(([name, { file }]) => `${name} ${file}`)).toEqual([
    "a one.safetensors",
    "b one.safetensors",
    "c two.safetensors",
  ]);
  expect(opened.metadata).toEqual({ format: "pt", part: "1" });
  expect((await opened.read("b")).data).toEqual(Uint8Array.of(2, 3));
  expect((await opened.read("c")).data).toEqual(Uint8Array.of(4));
});

test("`base` names other files", async () => {
  const files = memoryFiles();
  await writeCheckpoint(files, [tensor("a", 5), tensor("b", 6)], { base: "ema", maxShardBytes: 1 });
  expect([...(await openCheckpoint(files, { base: "ema" })).tensors.keys()]).toEqual(["a", "b"]);
});

test.each([
  ["lists a tensor that its shard lacks", { ...whole, d: "two.safetensors" }, /"two.safetensors" lacks tensor "d"/],
  ["puts a tensor into the wrong shard", { ...whole, a: "two.safetensors" }, /"two.safetensors" lacks tensor "a"/],
  [
    "does not list a tensor",
    { a: whole.a, c: whole.c },
    /"one.safetensors" holds tensor "b", which "model.safetensors.index.json" does not list/,
  ],
  ["names a directory", { a: "sub/one.safetensors" }, /puts "a" into "sub\/one.safetensors"/],
  ["climbs out", { a: "..\\one.safetensors" }, /puts "a" into "..\\\\one.safetensors"/],
  ["names the parent", { a: ".." }, /puts "a" into ".."/],
  ["names nothing", { a: "" }, /puts "a" into ""/],
  ["names a number", { a: 1 }, /puts "a" into number/],
  ["has no map", [], /has no object `weight_map`/],
])("an index is refused that %s", async (_title, weightMap, message) => {
  await expect(openCheckpoint(await sharded(weightMap))).rejects.toMatchObject({
    code: "invalid-data",
    message: expect.stringMatching(message),
  });
});

test("an index that names a tensor twice is refused", async () => {
  const files = await sharded({});
  await files.write(index, '{"weight_map":{"a":"one.safetensors","a":"two.safetensors"}}');
  await expect(openCheckpoint(files)).rejects.toThrow(/"model.safetensors.index.json" names "a" twice in its index/);
});

test("a tensor in two shards is refused", async () => {
  const files = await sharded(whole);
  await writeSafetensors(files, "two.safetensors", [tensor("a", 9), tensor("c", 4)]);
  await expect(openCheckpoint(files)).rejects.toThrow(
    /"two.safetensors" holds tensor "a", which "one.safetensors" holds too/,
  );
});

test("missing files are named", async () => {
  await expect(openCheckpoint(memoryFiles())).rejects.toMatchObject({
    code: "missing-file",
    message: expect.stringContaining('neither "model.safetensors" nor "model.safetensors.index.json"'),
  });
  await expect(openCheckpoint(await sharded({ a: "three.safetensors" }))).rejects.toMatchObject({
    code: "missing-file",
    message: expect.stringContaining('no file "three.safetensors"'),
  });
});
