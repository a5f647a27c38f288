import { type FileSink, ImagineOpdError, throwIfAborted } from "@imagine-opd/protocol";
import { countElements } from "./dtype.ts";
import { checkTensors, type SizedTensor, type TensorToWrite } from "./lay-out.ts";
import { writeSafetensors } from "./write-safetensors.ts";

const where = "safetensors.writeCheckpoint";

export interface WriteCheckpointOptions {
  /** What the files' names begin with. @default "model" */
  readonly base?: string;
  /** Bytes of tensors that one file may hold; a single larger tensor gets a file of its own. @default 50e9 */
  readonly maxShardBytes?: number;
  /** Stops before the next tensor. */
  readonly signal?: AbortSignal;
}

/** Fills shards in the given order: a new one begins where the next tensor would not fit. */
function splitIntoShards(tensors: readonly SizedTensor[], maxShardBytes: number): readonly SizedTensor[][] {
  const shards: SizedTensor[][] = [[]];
  let filled = 0;
  for (const tensor of tensors) {
    if (filled > 0 && filled + tensor.bytes > maxShardBytes) {
      shards.push([]);
      filled = 0;
    }
    shards[shards.length - 1]!.push(tensor);
    filled += tensor.bytes;
  }
  return shards;
}

function encodeIndex(tensors: readonly SizedTensor[], fileOf: ReadonlyMap<string, string>): string {
  const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0);
  const index = {
    metadata: {
      total_parameters: sum(tensors.map(({ shape }) => countElements(shape)!)),
      total_size: sum(tensors.map(({ bytes }) => bytes)),
    },
    weight_map: Object.fromEntries([...fileOf].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
  return `${JSON.stringify(index, null, 2)}\n`;
}

/**
 * Writes a model's weights as transformers lays them out: `model.safetensors`, or, when they are more than `maxShardBytes`,
 * `model-00001-of-0000N.safetensors` … and `model.safetensors.index.json`. The index comes last: without it there is no checkpoint.
 *
 * @throws invalid-argument for a wrong or repeated name, dtype, shape or bound; mismatch when `data` does not give the bytes of
 * its shape; aborted when the signal fires
 */
export async function writeCheckpoint(
  sink: FileSink,
  tensors: Iterable<TensorToWrite>,
  { base = "model", maxShardBytes = 50e9, signal }: WriteCheckpointOptions = {},
): Promise<void> {
  if (!(maxShardBytes >= 1)) {
    throw new ImagineOpdError("invalid-argument", {
      where,
      problem: `\`maxShardBytes\` must be a number of bytes from 1, got ${maxShardBytes}.`,
    });
  }
  const abortable = checkTensors(tensors, where).map((tensor) => ({
    ...tensor,
    data: () => {
      throwIfAborted(signal, where);
      return tensor.data();
    },
  }));
  const shards = splitIntoShards(abortable, maxShardBytes);
  if (shards.length === 1) return writeSafetensors(sink, `${base}.safetensors`, abortable);
  const fileOf = new Map<string, string>();
  const digits = (number: number) => String(number).padStart(5, "0");
  for (const [i, shard] of shards.entries()) {
    const file = `${base}-${digits(i + 1)}-of-${digits(shards.length)}.safetensors`;
    await writeSafetensors(sink, file, shard);
    for (const { name } of shard) fileOf.set(name, file);
  }
  await sink.write(`${base}.safetensors.index.json`, encodeIndex(abortable, fileOf));
}
