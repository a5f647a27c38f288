import { type FileSink, ImagineOpdError } from "@imagine-opd/protocol";
import { encodeFloat32, type TensorToWrite, writeSafetensors } from "@imagine-opd/safetensors";
import { type Adapter, type AdapterModule, checkModule, scaleDivisor } from "./adapter.ts";
import { configFile } from "./parse-config.ts";
import { keyPrefix, weightsFile } from "./read-adapter.ts";

const where = "lora.writeAdapter";

export interface WriteAdapterOptions {
  /** The checkpoint that the adapter belongs to: a hub id or a path, for `base_model_name_or_path`. */
  readonly baseModel: string;
  /** Storage type; BF16 rounds to the nearest. @default "F32" */
  readonly dtype?: "F32" | "BF16";
}

/** PEFT reads the keys of `rank_pattern` and `alpha_pattern` as regular expressions for the last parts of a name. */
function exactPattern(name: string): string {
  return `^${name.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}`;
}

function patternsOf({ modules, config }: Adapter) {
  const rankPattern: Record<string, number> = {};
  const alphaPattern: Record<string, number> = {};
  for (const { name, rank, scale } of modules.values()) {
    const divisor = scaleDivisor(rank, config.scaling);
    if (rank !== config.rank) rankPattern[exactPattern(name)] = rank;
    if (scale !== config.alpha / divisor) alphaPattern[exactPattern(name)] = scale * divisor;
  }
  return { rankPattern, alphaPattern };
}

function configOf(adapter: Adapter, baseModel: string): string {
  const { rankPattern, alphaPattern } = patternsOf(adapter);
  const modulesToSave = [...new Set(Array.from(adapter.replaced.keys(), (name) => name.replace(/\.[^.]+$/, "")))];
  const config = {
    alpha_pattern: alphaPattern,
    base_model_name_or_path: baseModel,
    bias: "none",
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    lora_alpha: adapter.config.alpha,
    lora_dropout: 0,
    modules_to_save: modulesToSave.length > 0 ? modulesToSave.sort() : null,
    peft_type: "LORA",
    r: adapter.config.rank,
    rank_pattern: rankPattern,
    target_modules: [...adapter.modules.keys()].sort(),
    task_type: "CAUSAL_LM",
    use_dora: false,
    use_rslora: adapter.config.scaling === "alpha/sqrt(rank)",
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}

function tensorsOf({ modules, replaced }: Adapter, dtype: "F32" | "BF16"): TensorToWrite[] {
  const tensor = (name: string, shape: readonly number[], values: Float32Array): TensorToWrite => ({
    name: `${keyPrefix}${name}`,
    dtype,
    shape,
    data: () => encodeFloat32(values, dtype),
  });
  const factors = ({ name, rank, inSize, outSize, a, b }: AdapterModule) => [
    tensor(`${name}.lora_A.weight`, [rank, inSize], a),
    tensor(`${name}.lora_B.weight`, [outSize, rank], b),
  ];
  return [
    ...[...modules.values()].flatMap(factors),
    ...Array.from(replaced, ([name, { shape, data }]) => tensor(name, shape, data)),
  ];
}

/**
 * Writes an adapter as PEFT does: `adapter_model.safetensors`, then `adapter_config.json`. The configuration lists the modules by
 * their full names, and ranks and alphas that deviate from `adapter.config` as patterns.
 *
 * @throws invalid-argument for an adapter without modules; mismatch when factors do not have their module's sizes
 */
export async function writeAdapter(
  sink: FileSink,
  adapter: Adapter,
  { baseModel, dtype = "F32" }: WriteAdapterOptions,
): Promise<void> {
  if (adapter.modules.size === 0) {
    throw new ImagineOpdError("invalid-argument", { where, problem: "the adapter has no modules." });
  }
  for (const module of adapter.modules.values()) checkModule(module, where);
  await writeSafetensors(sink, weightsFile, tensorsOf(adapter, dtype));
  await sink.write(configFile, configOf(adapter, baseModel));
}
