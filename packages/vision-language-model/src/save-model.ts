import { type Adapter, type AdapterModule, writeAdapter } from "@imagine-opd/lora";
import { type FileSink, ImagineOpdError, readJson } from "@imagine-opd/protocol";
import { encodeFloat32, writeCheckpoint } from "@imagine-opd/safetensors";
import { adapterNames } from "./model/weight-store.ts";
import type { VisionLanguageModel } from "./open-model.ts";

export interface SaveOptions {
  /** Element type of the weights; only F32 gives back the same numbers. @default "F32" */
  readonly dtype?: "F32" | "BF16";
}

/** Everything of a checkpoint directory besides weights and `config.json` that transformers reads. */
const companions =
  /^(generation_config\.json|(preprocessor|processor)_config\.json|tokenizer.*|chat_template\..*|special_tokens_map\.json|added_tokens\.json|vocab\.json|merges\.txt)$/;

/** Writes the model as a checkpoint in the hub's layout, names as they were read; transformers opens it. */
export async function saveCheckpoint(
  model: VisionLanguageModel,
  sink: FileSink,
  { dtype = "F32" }: SaveOptions = {},
): Promise<void> {
  if (model.adapter !== undefined) {
    throw new ImagineOpdError("unsupported", {
      where: "vision-language-model.saveCheckpoint",
      problem: "the model has adapters, which a checkpoint of whole weights does not hold.",
      remedy: "Use saveAdapter.",
    });
  }
  const config = (await readJson(model.files, "config.json")) as Record<string, unknown>;
  const { dtype: _new, torch_dtype: _old, ...rest } = config;
  const name = dtype === "F32" ? "float32" : "bfloat16";
  await sink.write(
    "config.json",
    `${JSON.stringify({ ...rest, ["torch_dtype" in config ? "torch_dtype" : "dtype"]: name }, null, 2)}\n`,
  );
  for (const file of await model.files.list()) {
    if (companions.test(file)) await sink.write(file, await model.files.read(file));
  }
  const current = async (weight: string): Promise<Float32Array> => {
    const tensor = model.policy.trainable[weight];
    return tensor === undefined ? model.weights.readFloat32(weight) : ((await tensor.data()) as Float32Array);
  };
  const tensors = [...model.weights.shapes].map(([weight, shape]) => ({
    name: weight,
    dtype,
    shape,
    data: async () => encodeFloat32(await current(weight), dtype),
  }));
  await writeCheckpoint(sink, tensors);
}

/** The adapters with their current numbers. */
async function currentAdapter(model: VisionLanguageModel, adapter: Adapter): Promise<Adapter> {
  const modules = new Map<string, AdapterModule>();
  for (const [name, module] of adapter.modules) {
    const [a, b] = adapterNames(name).map((weight) => model.policy.trainable[weight]);
    modules.set(name, {
      ...module,
      a: a === undefined ? module.a : ((await a.data()) as Float32Array),
      b: b === undefined ? module.b : ((await b.data()) as Float32Array),
    });
  }
  return { ...adapter, modules };
}

/** Writes the adapters in PEFT's format. @param baseModel name or path of the checkpoint that they belong to */
export async function saveAdapter(
  model: VisionLanguageModel,
  sink: FileSink,
  { baseModel, dtype = "F32" }: SaveOptions & { readonly baseModel: string },
): Promise<void> {
  if (model.adapter === undefined) {
    throw new ImagineOpdError("invalid-argument", {
      where: "vision-language-model.saveAdapter",
      problem: "the model has no adapters.",
      remedy: "Use saveCheckpoint.",
    });
  }
  await writeAdapter(sink, await currentAdapter(model, model.adapter), { baseModel, dtype });
}
