import { type FileSource, ImagineOpdError } from "@imagine-opd/protocol";
import { invalidFile, quote } from "./invalid-file.ts";
import { openSafetensors } from "./open-safetensors.ts";
import { parseJsonObject } from "./parse-json.ts";
import { readTensor } from "./read-tensor.ts";
import type { TensorEntry, TensorFile } from "./tensor-file.ts";

const where = "safetensors.openCheckpoint";

export interface OpenCheckpointOptions {
  /** What the files' names begin with: `<base>.safetensors`, `<base>.safetensors.index.json`. @default "model" */
  readonly base?: string;
}

/** Tensor name → shard's file name. */
function parseWeightMap(bytes: Uint8Array, index: string): ReadonlyMap<string, string> {
  const { weight_map: weightMap } = parseJsonObject(bytes, where, index, "index");
  if (typeof weightMap !== "object" || weightMap === null || Array.isArray(weightMap)) {
    throw invalidFile(where, index, "has no object `weight_map`.");
  }
  for (const [name, shard] of Object.entries(weightMap)) {
    if (typeof shard !== "string" || shard === "" || /[/\\]|\.\./.test(shard)) {
      const got = typeof shard === "string" ? quote(shard) : typeof shard;
      const problem = `puts ${quote(name)} into ${got}; a shard is the name of a file beside the index, without "/", "\\" and "..".`;
      throw invalidFile(where, index, problem, { name });
    }
  }
  return new Map(Object.entries(weightMap as Record<string, string>));
}

function joinShards(weightMap: ReadonlyMap<string, string>, shards: readonly TensorFile[], index: string) {
  const joined = new Map<string, TensorEntry>();
  for (const [name, entry] of shards.flatMap((shard) => [...shard.tensors])) {
    const listed = weightMap.get(name);
    const other = joined.get(name)?.file;
    if (other !== undefined) {
      throw invalidFile(where, entry.file, `holds tensor ${quote(name)}, which "${other}" holds too.`, { name, other });
    }
    if (listed === undefined) {
      throw invalidFile(where, entry.file, `holds tensor ${quote(name)}, which "${index}" does not list.`, { name });
    }
    joined.set(name, entry);
  }
  for (const [name, shard] of weightMap) {
    if (joined.get(name)?.file !== shard) {
      throw invalidFile(where, shard, `lacks tensor ${quote(name)}, which "${index}" puts there.`, { name });
    }
  }
  return joined;
}

/**
 * Opens the weights of a model directory: `model.safetensors` when it is there, else the shards that
 * `model.safetensors.index.json` lists. Reads headers only.
 *
 * @param files the directory
 * @throws missing-file when neither file, or a shard, is there; invalid-data when a header or the index breaks its format,
 * when a tensor is in two shards, in none or in one that the index does not name
 */
export async function openCheckpoint(
  files: FileSource,
  { base = "model" }: OpenCheckpointOptions = {},
): Promise<TensorFile> {
  const single = `${base}.safetensors`;
  if ((await files.size(single)) !== undefined) return openSafetensors(files, single);
  const index = `${base}.safetensors.index.json`;
  if ((await files.size(index)) === undefined) {
    throw new ImagineOpdError("missing-file", {
      where,
      problem: `there is neither "${single}" nor "${index}".`,
      remedy: "Point to a directory with safetensors weights.",
      details: { files: [single, index] },
    });
  }
  const weightMap = parseWeightMap(await files.read(index), index);
  const names = [...new Set(weightMap.values())].sort();
  const shards = await Promise.all(names.map((name) => openSafetensors(files, name)));
  const tensors = joinShards(weightMap, shards, index);
  return { tensors, metadata: shards[0]?.metadata ?? {}, read: (name) => readTensor(files, tensors, name) };
}
