import { memoryFiles } from "@imagine-opd/test-kit";
import { expect, test } from "vitest";
import type { TensorToWrite } from "./lay-out.ts";
import { openCheckpoint } from "./open-checkpoint.ts";
import { writeCheckpoint } from "./write-checkpoint.ts";

const tensor = (name: string, bytes: number): TensorToWrite => ({
  name,
  dtype: "BF16",
  shape: [bytes / 2],
  data: () => new Uint8Array(bytes).fill(bytes),
});

test("weights that fit go into one file without an index", async () => {
  const files = memoryFiles();
  await writeCheckpoint(files, [tensor("a", 4), tensor("b", 6)], { maxShardBytes: 10 });
  expect(await files.list()).toEqual(["model.safetensors"]);
});

test("weights that do not fit are split in their order, as transformers does, with an index", async () => {
  const files = memoryFiles();
  const tensors = [tensor("c", 6), tensor("a", 4), tensor("b", 2), tensor("large", 40), tensor("d", 2)];
  await writeCheckpoint(files, tensors, { maxShardBytes: 10 });
  expect(await files.list()).toEqual([
    "model-00001-of-00004.safetensors",
    "model-00002-of-00004.safetensors",
    "model-00003-of-00004.safetensors",
    "model-00004-of-00004.safetensors",
    "model.safetensors.index.json",
  ]);
  expect(new TextDecoder().decode(files.contents.get("model.safetensors.index.json"))).toBe(`{
  "metadata": {
    "total_parameters": 27,
    "total_size": 54
  },
  "weight_map": {
    "a": "model-00001-of-00004.safetensors",
    "b": "model-00002-of-00004.safetensors",
    "c": "model-00001-of-00004.safetensors",
    "d": "model-00004-of-00004.safetensors",
    "large": "model-00003-of-00004.safetensors"
  }
}
`);
  const opened = await openCheckpoint(files);
  expect((await opened.read("large")).data).toEqual(new Uint8Array(40).fill(40));
  expect(opened.tensors.size).toBe(5);
});

test("the signal stops between two tensors, and no index appears", async () => {
  const controller = new AbortController();
  const files = memoryFiles();
  const stop: TensorToWrite = {
    ...tensor("b", 4),
    data: () => {
      controller.abort();
      return new Uint8Array(4).fill(4);
    },
  };
  const writing = writeCheckpoint(files, [tensor("a", 4), stop, tensor("c", 4)], {
    maxShardBytes: 4,
    signal: controller.signal,
  });
  await expect(writing).rejects.toMatchObject({ code: "aborted" });
  expect(await files.list()).toEqual(["model-00001-of-00003.safetensors", "model-00002-of-00003.safetensors"]);
});

test("a tensor given twice and a bound that holds nothing are refused before anything is written", async () => {
  const files = memoryFiles();
  await expect(writeCheckpoint(files, [tensor("a", 4), tensor("a", 4)], { maxShardBytes: 4 })).rejects.toThrow(
    /safetensors\.writeCheckpoint: tensor "a" was given twice/,
  );
  await expect(writeCheckpoint(files, [], { maxShardBytes: Number.NaN })).rejects.toThrow(/from 1, got NaN/);
  expect(files.contents.size).toBe(0);
});
