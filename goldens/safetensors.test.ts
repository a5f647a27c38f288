import { readFileSync } from "node:fs";
import {
  openCheckpoint,
  openSafetensors,
  toFloat32,
  writeCheckpoint,
  writeSafetensors,
} from "@imagine-opd/safetensors";
import { goldenPath, memoryFiles, readGoldenTensors } from "@imagine-opd/test-kit";
import { expect, test } from "vitest";

const shards = [1, 2, 3, 4].map((i) => `model-0000${i}-of-00004.safetensors`);
const families: [family: string, files: string[]][] = [
  ["idefics3", ["model.safetensors"]],
  ["smolvlm", ["model.safetensors"]],
  ["qwen2_vl", ["model.safetensors"]],
  ["qwen2_5_vl", ["model.safetensors"]],
  ["qwen3_vl", shards],
];

function load(family: string, names: readonly string[]) {
  return memoryFiles(Object.fromEntries(names.map((name) => [name, readFileSync(goldenPath(`${family}/${name}`))])));
}

test.each(families)("%s: every weight of the checkpoint has the golden value", async (family, names) => {
  const files = load(family, names.length > 1 ? [...names, "model.safetensors.index.json"] : names);
  const checkpoint = await openCheckpoint(files);
  const golden = new Map(names.flatMap((name) => [...readGoldenTensors(`${family}/${name}`)]));
  expect(new Set(checkpoint.tensors.keys())).toEqual(new Set(golden.keys()));
  expect(checkpoint.metadata).toEqual({ format: "pt" });
  for (const [name, { dtype, shape, data }] of golden) {
    const tensor = await checkpoint.read(name);
    expect([tensor.dtype, tensor.shape]).toEqual([dtype, shape]);
    expect(toFloat32(tensor)).toEqual(data);
  }
});

test.each(families)("%s: the adapter and the weights are written again byte for byte", async (family, names) => {
  for (const name of [...names, "adapter/adapter_model.safetensors"]) {
    const files = load(family, [name]);
    const { tensors, metadata, read } = await openSafetensors(files, name);
    const toWrite = Array.from(tensors, ([tensor, { dtype, shape }]) => ({
      name: tensor,
      dtype,
      shape,
      data: async () => (await read(tensor)).data,
    }));
    await writeSafetensors(files, "again", toWrite, metadata);
    expect(files.contents.get("again")!.length).toBe(files.contents.get(name)!.length);
    expect(Buffer.compare(files.contents.get("again")!, files.contents.get(name)!)).toBe(0);
  }
});

test("qwen3_vl: the index of a new split has the golden totals", async () => {
  const files = load("qwen3_vl", [...shards, "model.safetensors.index.json"]);
  const golden = JSON.parse(new TextDecoder().decode(files.contents.get("model.safetensors.index.json")));
  const { tensors, read } = await openCheckpoint(files);
  const again = memoryFiles();
  await writeCheckpoint(
    again,
    Array.from(tensors, ([name, { dtype, shape }]) => ({
      name,
      dtype,
      shape,
      data: async () => (await read(name)).data,
    })),
    { maxShardBytes: 100_000 },
  );
  const index = JSON.parse(new TextDecoder().decode(again.contents.get("model.safetensors.index.json")));
  expect(index.metadata).toEqual(golden.metadata);
  expect(Object.keys(index.weight_map)).toEqual(Object.keys(golden.weight_map));
});
