import { type FileSource, ImagineOpdError } from "@imagine-opd/protocol";
import { openCheckpoint, type StoredTensor, type TensorFile, toFloat32 } from "@imagine-opd/safetensors";
import type { ModelConfig } from "./config/model-config.ts";
import { headName, optionalBiasShapes, weightShapes } from "./model/weight-names.ts";

/** A checkpoint's weights: which there are, and their bytes when they are asked for. */
export interface WeightFile {
  /** Shapes of the weights that the model uses, in the files' order. */
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  /** Names in the files that the model does not use. */
  readonly unused: readonly string[];
  read(name: string): Promise<StoredTensor>;
  readFloat32(name: string): Promise<Float32Array>;
}

/** Buffers that some exporters write and nothing reads. */
const isDerived = (name: string): boolean => name.endsWith("rotary_emb.inv_freq") || name.endsWith(".position_ids");

function compareShapes(file: TensorFile, expected: ReadonlyMap<string, readonly number[]>): void {
  const missing = [...expected.keys()].filter((name) => !file.tensors.has(name));
  const wrong = [...expected].filter(([name, shape]) => {
    const found = file.tensors.get(name)?.shape;
    return found !== undefined && found.join() !== shape.join();
  });
  if (missing.length === 0 && wrong.length === 0) return;
  const list = (names: readonly string[]) =>
    `${names.slice(0, 5).join(", ")}${names.length > 5 ? ` and ${names.length - 5} more` : ""}`;
  const describe = ([name, shape]: readonly [string, readonly number[]]) =>
    `${name} is [${file.tensors.get(name)!.shape}] instead of [${shape}]`;
  throw new ImagineOpdError("invalid-data", {
    where: "vision-language-model.openModel",
    problem: [
      missing.length > 0 ? `the checkpoint lacks ${list(missing)}.` : "",
      wrong.length > 0 ? `wrong shapes: ${list(wrong.map(describe))}.` : "",
    ]
      .filter(Boolean)
      .join(" "),
    remedy: "The weights and config.json must belong to one checkpoint.",
    details: { missing, wrong: wrong.map(([name]) => name) },
  });
}

/** Opens the weights and compares them with what the configuration promises. The head is tied iff the files hold no `lm_head.weight`. */
export async function openWeights(files: FileSource, config: ModelConfig): Promise<WeightFile> {
  const file = await openCheckpoint(files);
  const expected = weightShapes(config, file.tensors.has(headName) ? "untied" : "tied");
  for (const [name, shape] of optionalBiasShapes(config)) if (file.tensors.has(name)) expected.set(name, shape);
  compareShapes(file, expected);
  const names = [...file.tensors.keys()];
  return {
    shapes: new Map(names.filter((name) => expected.has(name)).map((name) => [name, expected.get(name)!])),
    unused: names.filter((name) => !expected.has(name) && !isDerived(name)),
    read: (name) => file.read(name),
    readFloat32: async (name) => toFloat32(await file.read(name)),
  };
}
