import { type FileSource, ImagineOpdError } from "@imagine-opd/protocol";
import { openSafetensors, type TensorFile, toFloat32 } from "@imagine-opd/safetensors";
import { type Adapter, type AdapterModule, type ReplacedWeight, scaleDivisor } from "./adapter.ts";
import { configFile, type ParsedConfig, parseConfig } from "./parse-config.ts";

const where = "lora.readAdapter";
export const weightsFile = "adapter_model.safetensors";
export const keyPrefix = "base_model.model.";

export interface ReadAdapterOptions {
  /**
   * Turns a name in the file, of a module or of a replaced weight, into the name inside the model: for adapters made when the
   * model's parts had other names. @default names are taken as they are
   */
  readonly mapName?: (name: string) => string;
}

/** The keys of the file, sorted by what they are. */
interface FileKeys {
  /** Module's name in the file → keys of its factors. */
  readonly factors: Map<string, { A?: string; B?: string }>;
  /** Parameter's name in the file → key. */
  readonly replaced: Map<string, string>;
}

function invalidTensor(key: string, problem: string): ImagineOpdError {
  return new ImagineOpdError("invalid-data", {
    where,
    problem: `"${weightsFile}": tensor "${key}" ${problem}`,
    details: { tensor: key },
  });
}

function sortKeys(keys: Iterable<string>, modulesToSave: readonly string[]): FileKeys {
  const factors: FileKeys["factors"] = new Map();
  const replaced: FileKeys["replaced"] = new Map();
  for (const key of keys) {
    const name = key.startsWith(keyPrefix) ? key.slice(keyPrefix.length) : "";
    const factor = /^(.+)\.lora_([AB])\.weight$/.exec(name);
    if (factor) {
      const [, module, which] = factor as unknown as [string, string, "A" | "B"];
      factors.set(module, { ...factors.get(module), [which]: key });
    } else if (modulesToSave.some((module) => `.${name}`.includes(`.${module}.`))) {
      replaced.set(name, key);
    } else {
      throw new ImagineOpdError("unsupported", {
        where,
        problem:
          `"${weightsFile}": tensor "${key}" is neither "${keyPrefix}<module>.lora_A.weight" or ".lora_B.weight" ` +
          "nor part of a module in `modules_to_save`.",
        remedy: "Export a plain LoRA of linear layers with PEFT, without saved embeddings.",
        details: { tensor: key },
      });
    }
  }
  return { factors, replaced };
}

function setOnce<Value>(map: Map<string, Value>, name: string, value: Value, key: string): void {
  if (map.has(name)) throw invalidTensor(key, `is a second one for "${name}" after \`mapName\`.`);
  map.set(name, value);
}

async function readModule(
  file: TensorFile,
  [name, keys]: readonly [string, { A?: string; B?: string }],
  { config, alphaOf }: ParsedConfig,
): Promise<AdapterModule> {
  const { A: keyA, B: keyB } = keys;
  if (keyA === undefined) throw invalidTensor(keyB!, "has no lora_A beside it.");
  if (keyB === undefined) throw invalidTensor(keyA, "has no lora_B beside it.");
  const [shapeA, shapeB] = [file.tensors.get(keyA)!.shape, file.tensors.get(keyB)!.shape];
  const [rank, inSize] = shapeA as [number, number];
  const [outSize, rankOfB] = shapeB as [number, number];
  if (shapeA.length !== 2 || shapeB.length !== 2 || rank !== rankOfB || rank * inSize * outSize === 0) {
    const got = `lora_A is [${shapeA.join(", ")}] and lora_B is [${shapeB.join(", ")}]`;
    throw invalidTensor(keyA, `must be [r, in] and its partner [out, r]; ${got}.`);
  }
  const scale = alphaOf(name) / scaleDivisor(rank, config.scaling);
  const a = toFloat32(await file.read(keyA));
  const b = toFloat32(await file.read(keyB));
  return { name, rank, inSize, outSize, scale, a, b };
}

/**
 * Reads a LoRA adapter in PEFT's format: `adapter_config.json` and `adapter_model.safetensors` (F32, F16 or BF16).
 *
 * The tensors decide: which modules are touched and with what rank is read from the file, not from `target_modules`, `r` and
 * `rank_pattern`. `lora_alpha`, `alpha_pattern` and `use_rslora` give the scale, `modules_to_save` the replaced weights.
 *
 * @param files the adapter's directory
 * @throws missing-file when one of the two is not there; unsupported, naming the field or the tensor, for DoRA and other variants,
 * for trained biases and for tensors that are not factors of linear layers; invalid-data for wrong shapes and single factors
 */
export async function readAdapter(
  files: FileSource,
  { mapName = (name) => name }: ReadAdapterOptions = {},
): Promise<Adapter> {
  if ((await files.size(configFile)) === undefined) {
    throw new ImagineOpdError("missing-file", {
      where,
      problem: `there is no file "${configFile}".`,
      remedy: "Point to the directory that PEFT's save_pretrained wrote.",
    });
  }
  const parsed = parseConfig(await files.read(configFile));
  const file = await openSafetensors(files, weightsFile);
  const keys = sortKeys(file.tensors.keys(), parsed.modulesToSave);
  const modules = new Map<string, AdapterModule>();
  const replaced = new Map<string, ReplacedWeight>();
  for (const entry of keys.factors) {
    const module = await readModule(file, entry, parsed);
    const name = mapName(module.name);
    setOnce(modules, name, { ...module, name }, entry[1].A!);
  }
  for (const [name, key] of keys.replaced) {
    const tensor = await file.read(key);
    setOnce(replaced, mapName(name), { shape: tensor.shape, data: toFloat32(tensor) }, key);
  }
  return { modules, replaced, config: parsed.config };
}
