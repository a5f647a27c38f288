import { ImagineOpdError } from "@imagine-opd/protocol";
import { type Fields, readFields } from "./fields.ts";

/** The language model: a Llama decoder with grouped key and value heads. */
export interface TextConfig {
  readonly vocabSize: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly epsilon: number;
  readonly ropeTheta: number;
  /** Longest sequence in tokens. */
  readonly contextLength: number;
}

/** The vision tower: a SigLIP encoder over square tiles. */
export interface VisionConfig {
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly layers: number;
  readonly heads: number;
  /** Side of one tile, pixels. */
  readonly imageSize: number;
  /** Side of one patch, pixels. */
  readonly patchSize: number;
  readonly epsilon: number;
}

/** What decides the shapes and the arithmetic of a model, out of its `config.json`. */
export interface ModelConfig {
  readonly family: "idefics3" | "smolvlm";
  readonly text: TextConfig;
  readonly vision: VisionConfig;
  /** Pixel shuffle: `scaleFactor²` patches become one image token. */
  readonly scaleFactor: number;
  readonly imageTokenId: number;
}

function refuse(problem: string, details: Record<string, unknown>): never {
  throw new ImagineOpdError("unsupported", {
    where: "vision-language-model.readModelConfig",
    problem,
    remedy: "Use a SmolVLM or Idefics3 checkpoint as published.",
    details,
  });
}

/** θ in its new place (`rope_parameters`) or its old one (`rope_theta` beside `rope_scaling`). */
function readRopeTheta(text: Fields): number {
  const spelling = text.has("rope_parameters") ? text.object("rope_parameters") : text.object("rope_scaling");
  const type = spelling.text("rope_type", spelling.text("type", "default"));
  if (type !== "default") refuse(`rope type "${type}" is not supported, only "default".`, { type });
  return spelling.number("rope_theta", text.number("rope_theta", 10000));
}

function readTextConfig(text: Fields): TextConfig {
  const activation = text.text("hidden_act", "silu");
  if (activation !== "silu") refuse(`text activation "${activation}" is not supported, only "silu".`, { activation });
  const type = text.text("model_type", "llama");
  if (type !== "llama") refuse(`text model "${type}" is not supported, only "llama".`, { type });
  const hiddenSize = text.count("hidden_size", 4096);
  const heads = text.count("num_attention_heads", 32);
  return {
    vocabSize: text.count("vocab_size", 32000),
    hiddenSize,
    intermediateSize: text.count("intermediate_size", 11008),
    layers: text.count("num_hidden_layers", 32),
    heads,
    kvHeads: text.count("num_key_value_heads", heads),
    headDim: text.count("head_dim", Math.floor(hiddenSize / heads)),
    epsilon: text.number("rms_norm_eps", 1e-6),
    ropeTheta: readRopeTheta(text),
    contextLength: text.count("max_position_embeddings", 2048),
  };
}

function readVisionConfig(vision: Fields): VisionConfig {
  const activation = vision.text("hidden_act", "gelu_pytorch_tanh");
  if (activation !== "gelu_pytorch_tanh") {
    refuse(`vision activation "${activation}" is not supported, only "gelu_pytorch_tanh".`, { activation });
  }
  return {
    hiddenSize: vision.count("hidden_size", 1152),
    intermediateSize: vision.count("intermediate_size", 3072),
    layers: vision.count("num_hidden_layers", 12),
    heads: vision.count("num_attention_heads", 16),
    imageSize: vision.count("image_size", 224),
    patchSize: vision.count("patch_size", 32),
    epsilon: vision.number("layer_norm_eps", 1e-6),
  };
}

/** Numbers of patches a side for which transformers' position buckets are not the identity (below 54). */
const irregularSides = new Set([19, 25, 29, 31, 38, 40, 41, 43, 47, 49, 50]);

function checkShapes({ text, vision, scaleFactor }: ModelConfig): void {
  const side = vision.imageSize / vision.patchSize;
  if (!Number.isInteger(side) || !Number.isInteger(side / scaleFactor)) {
    refuse(
      `a tile of ${vision.imageSize} px does not divide into ${vision.patchSize}-px patches in groups of ${scaleFactor}.`,
      {},
    );
  }
  if (irregularSides.has(side) || side >= 54)
    refuse(`${side} patches a side have irregular position ids in transformers.`, { side });
  if (text.heads % text.kvHeads !== 0)
    refuse(`${text.heads} query heads do not divide by ${text.kvHeads} key heads.`, {});
  if (text.headDim % 2 !== 0) refuse(`rotary positions need an even head size, got ${text.headDim}.`, {});
  if (vision.hiddenSize % vision.heads !== 0)
    refuse(`vision width ${vision.hiddenSize} does not divide by ${vision.heads} heads.`, {});
}

/**
 * Reads `config.json` of the SmolVLM/Idefics3 family in its new and its old spelling. Absent keys take the defaults of the
 * transformers classes; unknown keys are ignored.
 * @throws invalid-data for a field of the wrong type, unsupported for a model this package does not compute
 */
export function readModelConfig(json: unknown, file = "config.json"): ModelConfig {
  const root = readFields(json, file);
  const family = root.text("model_type", "");
  if (family !== "idefics3" && family !== "smolvlm") {
    refuse(`${file}: model_type "${family}" is not supported, only "idefics3" and "smolvlm".`, { family });
  }
  const config: ModelConfig = {
    family,
    text: readTextConfig(root.object("text_config")),
    vision: readVisionConfig(root.object("vision_config")),
    scaleFactor: root.count("scale_factor", 2),
    imageTokenId: root.number("image_token_id", 128257),
  };
  checkShapes(config);
  return config;
}

/** Image tokens of one tile: `(imageSize / patchSize / scaleFactor)²`. */
export function tokensPerTile({ vision, scaleFactor }: ModelConfig): number {
  return (vision.imageSize / vision.patchSize / scaleFactor) ** 2;
}
