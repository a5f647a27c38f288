import type { ModelConfig } from "../config/model-config.ts";

const vision = "model.vision_model";
const text = "model.text_model";

export const embeddingName = `${text}.embed_tokens.weight`;
export const headName = "lm_head.weight";

export const patchModule = `${vision}.embeddings.patch_embedding`;
export const positionName = `${vision}.embeddings.position_embedding.weight`;
export const connectorModule = "model.connector.modality_projection.proj";
export const visionNormModule = `${vision}.post_layernorm`;
export const textNormName = `${text}.norm.weight`;
export const visionLayerModule = (layer: number): string => `${vision}.encoder.layers.${layer}`;
export const textLayerModule = (layer: number): string => `${text}.layers.${layer}`;

/** True for weights of the vision tower and the connector, which turn pixels into image features. */
export function isVisionWeight(name: string): boolean {
  return name.startsWith(`${vision}.`) || name.startsWith("model.connector.");
}

/** Shape of every weight of the model, by name; `lm_head.weight` only for an untied head. */
export function weightShapes(config: ModelConfig, head: "tied" | "untied"): Map<string, readonly number[]> {
  const { text: t, vision: v, scaleFactor } = config;
  const shapes = new Map<string, readonly number[]>();
  const linear = (module: string, output: number, input: number, bias: boolean) => {
    shapes.set(`${module}.weight`, [output, input]);
    if (bias) shapes.set(`${module}.bias`, [output]);
  };
  const norm = (module: string, size: number) => shapes.set(`${module}.weight`, [size]).set(`${module}.bias`, [size]);
  shapes
    .set(`${patchModule}.weight`, [v.hiddenSize, 3, v.patchSize, v.patchSize])
    .set(`${patchModule}.bias`, [v.hiddenSize]);
  shapes.set(positionName, [(v.imageSize / v.patchSize) ** 2, v.hiddenSize]);
  for (let layer = 0; layer < v.layers; layer++) {
    const module = visionLayerModule(layer);
    for (const part of ["q", "k", "v", "out"])
      linear(`${module}.self_attn.${part}_proj`, v.hiddenSize, v.hiddenSize, true);
    linear(`${module}.mlp.fc1`, v.intermediateSize, v.hiddenSize, true);
    linear(`${module}.mlp.fc2`, v.hiddenSize, v.intermediateSize, true);
    norm(`${module}.layer_norm1`, v.hiddenSize);
    norm(`${module}.layer_norm2`, v.hiddenSize);
  }
  norm(visionNormModule, v.hiddenSize);
  linear(connectorModule, t.hiddenSize, v.hiddenSize * scaleFactor ** 2, false);
  shapes.set(embeddingName, [t.vocabSize, t.hiddenSize]);
  for (let layer = 0; layer < t.layers; layer++) {
    const module = textLayerModule(layer);
    linear(`${module}.self_attn.q_proj`, t.heads * t.headDim, t.hiddenSize, false);
    linear(`${module}.self_attn.k_proj`, t.kvHeads * t.headDim, t.hiddenSize, false);
    linear(`${module}.self_attn.v_proj`, t.kvHeads * t.headDim, t.hiddenSize, false);
    linear(`${module}.self_attn.o_proj`, t.hiddenSize, t.heads * t.headDim, false);
    linear(`${module}.mlp.gate_proj`, t.intermediateSize, t.hiddenSize, false);
    linear(`${module}.mlp.up_proj`, t.intermediateSize, t.hiddenSize, false);
    linear(`${module}.mlp.down_proj`, t.hiddenSize, t.intermediateSize, false);
    shapes
      .set(`${module}.input_layernorm.weight`, [t.hiddenSize])
      .set(`${module}.post_attention_layernorm.weight`, [t.hiddenSize]);
  }
  shapes.set(textNormName, [t.hiddenSize]);
  if (head === "untied") shapes.set(headName, [t.vocabSize, t.hiddenSize]);
  return shapes;
}

/** Optional biases that a checkpoint of another member of the family may hold. */
export function optionalBiasShapes(config: ModelConfig): Map<string, readonly number[]> {
  const { text: t } = config;
  const shapes = new Map<string, readonly number[]>();
  for (let layer = 0; layer < t.layers; layer++) {
    const module = textLayerModule(layer);
    shapes.set(`${module}.self_attn.q_proj.bias`, [t.heads * t.headDim]);
    for (const part of ["k", "v"]) shapes.set(`${module}.self_attn.${part}_proj.bias`, [t.kvHeads * t.headDim]);
    shapes.set(`${module}.self_attn.o_proj.bias`, [t.hiddenSize]).set(`${module}.mlp.down_proj.bias`, [t.hiddenSize]);
    for (const part of ["gate", "up"]) shapes.set(`${module}.mlp.${part}_proj.bias`, [t.intermediateSize]);
  }
  return shapes;
}
