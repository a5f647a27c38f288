import { ImagineOpdError } from "@imagine-opd/protocol";
import type { AdapterConfig } from "./adapter.ts";
import { compilePattern } from "./compile-pattern.ts";

const where = "lora.readAdapter";
export const configFile = "adapter_config.json";

/** Variants of LoRA with another effect than `W + scale · B · A`; each must be absent, null, false or empty. */
const variants = [
  "use_dora",
  "fan_in_fan_out",
  "lora_bias",
  "use_qalora",
  "use_bdlora",
  "kasa_config",
  "monteclora_config",
  "arrow_config",
  "alora_invocation_tokens",
  "trainable_token_indices",
  "target_parameters",
  "layer_replication",
];

/** Starts that leave the base weights as they are. The others (PiSSA, OLoRA, CorDA, LoftQ, LoRA-GA) belong to a changed base. */
const plainStarts: readonly unknown[] = [undefined, true, false, "gaussian", "orthogonal", "eva", "mica"];

/** What reading the tensors needs to know from `adapter_config.json`. */
export interface ParsedConfig {
  readonly config: AdapterConfig;
  readonly modulesToSave: readonly string[];
  /** `lora_alpha` of a module, by the name that the file gives it. */
  alphaOf(module: string): number;
}

type Json = Readonly<Record<string, unknown>>;

function parseObject(bytes: Uint8Array): Json {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new ImagineOpdError("invalid-data", { where, problem: `"${configFile}" is not JSON in UTF-8.`, cause });
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Json;
  throw new ImagineOpdError("invalid-data", { where, problem: `"${configFile}" is not a JSON object.` });
}

function wrongField(field: string, expected: string, got: unknown): ImagineOpdError {
  return new ImagineOpdError("invalid-data", {
    where,
    problem: `"${configFile}": \`${field}\` must be ${expected}, got ${JSON.stringify(got)}.`,
    details: { field, got },
  });
}

function isOff(value: unknown): boolean {
  return !value || (typeof value === "object" && Object.keys(value).length === 0);
}

function refuseVariants(json: Json): void {
  const refuse = (field: string, remedy: string) =>
    new ImagineOpdError("unsupported", {
      where,
      problem: `"${configFile}" has \`${field}\` ${JSON.stringify(json[field])}, which is not plain LoRA.`,
      remedy,
      details: { field, value: json[field] },
    });
  if (json.peft_type !== "LORA") throw refuse("peft_type", "Only peft_type LORA can be read.");
  if (json.bias !== undefined && json.bias !== "none") throw refuse("bias", 'Train the adapter with bias "none".');
  const variant = variants.find((field) => !isOff(json[field]));
  if (variant !== undefined) {
    throw refuse(variant, "Merge the adapter into the model with PEFT, or train a plain LoRA.");
  }
  if (!plainStarts.includes(json.init_lora_weights)) {
    throw refuse(
      "init_lora_weights",
      "Convert it with PEFT: save_pretrained(…, path_initial_model_for_weight_conversion=…).",
    );
  }
}

function parsePositive(field: string, value: unknown): number {
  if (typeof value === "number" && Number.isFinite(value) && value > 0) return value;
  throw wrongField(field, "a number above 0", value);
}

/** PEFT matches a key of `alpha_pattern` against the last parts of a name; the first key that matches holds. */
function parseAlphaPattern(value: unknown): readonly (readonly [RegExp, number])[] {
  if (value === undefined || value === null) return [];
  if (typeof value !== "object") throw wrongField("alpha_pattern", "an object", value);
  return Object.entries(value).map(
    ([key, alpha]) =>
      [compilePattern(key, where, "(?:.*\\.)?"), parsePositive(`alpha_pattern["${key}"]`, alpha)] as const,
  );
}

function parseNames(field: string, value: unknown): readonly string[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value) && value.every((name) => typeof name === "string")) return value;
  throw wrongField(field, "a list of names", value);
}

/** Reads the configuration of a PEFT LoRA adapter and refuses by name what is not plain LoRA. */
export function parseConfig(bytes: Uint8Array): ParsedConfig {
  const json = parseObject(bytes);
  refuseVariants(json);
  const alpha = parsePositive("lora_alpha", json.lora_alpha);
  const patterns = parseAlphaPattern(json.alpha_pattern);
  const baseModel = json.base_model_name_or_path;
  return {
    config: {
      rank: parsePositive("r", json.r),
      alpha,
      scaling: isOff(json.use_rslora) ? "alpha/rank" : "alpha/sqrt(rank)",
      baseModel: typeof baseModel === "string" ? baseModel : undefined,
    },
    modulesToSave: parseNames("modules_to_save", json.modules_to_save),
    alphaOf: (module) => patterns.find(([pattern]) => pattern.test(module))?.[1] ?? alpha,
  };
}
