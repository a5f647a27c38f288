import type { WeightView } from "@imagine-opd/protocol/policy";
import { attention, geluTanh, layerNorm } from "@imagine-opd/tensor-ops";
import * as tf from "@tensorflow/tfjs-core";
import type { ModelConfig, VisionConfig } from "../config/model-config.ts";
import { applyLinear } from "./apply-linear.ts";
import { joinHeads, splitHeads } from "./head-layout.ts";
import { type Recompute, runLayers } from "./run-layers.ts";
import { connectorModule, patchModule, positionName, visionLayerModule, visionNormModule } from "./weight-names.ts";
import type { LinearWeights, WeightStore } from "./weight-store.ts";

interface NormWeights {
  readonly weight: tf.Tensor;
  readonly bias: tf.Tensor;
}

export interface VisionLayerWeights {
  readonly norm1: NormWeights;
  readonly norm2: NormWeights;
  readonly q: LinearWeights;
  readonly k: LinearWeights;
  readonly v: LinearWeights;
  readonly out: LinearWeights;
  readonly fc1: LinearWeights;
  readonly fc2: LinearWeights;
}

export interface VisionWeights {
  readonly patch: LinearWeights;
  readonly positions: tf.Tensor;
  readonly layers: readonly VisionLayerWeights[];
  readonly postNorm: NormWeights;
  readonly connector: LinearWeights;
}

/** The vision tower's and the connector's weights under a view. */
export function bindVision(store: WeightStore, config: ModelConfig, view: WeightView): VisionWeights {
  const norm = (module: string): NormWeights => ({
    weight: store.tensor(`${module}.weight`, view),
    bias: store.tensor(`${module}.bias`, view),
  });
  return {
    patch: store.linear(patchModule, view),
    positions: store.tensor(positionName, view),
    layers: Array.from({ length: config.vision.layers }, (_, layer) => {
      const module = visionLayerModule(layer);
      const linear = (part: string) => store.linear(`${module}.${part}`, view);
      return {
        norm1: norm(`${module}.layer_norm1`),
        norm2: norm(`${module}.layer_norm2`),
        q: linear("self_attn.q_proj"),
        k: linear("self_attn.k_proj"),
        v: linear("self_attn.v_proj"),
        out: linear("self_attn.out_proj"),
        fc1: linear("mlp.fc1"),
        fc2: linear("mlp.fc2"),
      };
    }),
    postNorm: norm(visionNormModule),
    connector: store.linear(connectorModule, view),
  };
}

/**
 * Patch and position embedding. The convolution's kernel equals its stride, so it is a linear map of whole patches.
 * @param patches `[tiles · side², 3 · patchSize²]`
 * @returns `[tiles, side², C]`
 */
export function embedPatches(patches: tf.Tensor2D, { patch, positions }: VisionWeights): tf.Tensor3D {
  const [places, width] = positions.shape as [number, number];
  const kernel = tf.reshape(patch.weight, [width, patches.shape[1]]);
  const embedded = applyLinear(patches, { ...patch, weight: kernel });
  return tf.add(tf.reshape(embedded, [patches.shape[0] / places, places, width]), positions) as tf.Tensor3D;
}

/** One SigLIP encoder layer; every tile attends to itself. `[tiles, side², C]` → the same shape. */
export function visionLayer(x: tf.Tensor, weights: VisionLayerWeights, { heads, epsilon }: VisionConfig): tf.Tensor {
  const normed = layerNorm(x, weights.norm1.weight, weights.norm1.bias, epsilon);
  const split = (linear: LinearWeights) => splitHeads(applyLinear(normed, linear), heads);
  const attended = joinHeads(attention(split(weights.q), split(weights.k), split(weights.v)));
  const middle = tf.add(x, applyLinear(attended, weights.out));
  const inner = applyLinear(layerNorm(middle, weights.norm2.weight, weights.norm2.bias, epsilon), weights.fc1);
  return tf.add(middle, applyLinear(geluTanh(inner), weights.fc2));
}

/**
 * Pixel shuffle and projection: an s×s block of patches becomes one token, features ordered by row, column, channel.
 * @param x `[tiles, side², C]`
 * @returns `[tiles, (side / s)², D]`
 */
export function connect(x: tf.Tensor, weights: VisionWeights, scaleFactor: number): tf.Tensor {
  const [tiles, places, width] = x.shape as [number, number, number];
  const side = Math.sqrt(places);
  const small = side / scaleFactor;
  const columns = tf.transpose(tf.reshape(x, [tiles, side, small, scaleFactor * width]), [0, 2, 1, 3]);
  const blocks = tf.transpose(tf.reshape(columns, [tiles, small, small, scaleFactor ** 2 * width]), [0, 2, 1, 3]);
  return applyLinear(tf.reshape(blocks, [tiles, small * small, scaleFactor ** 2 * width]), weights.connector);
}

/**
 * Pixels to image features.
 * @param patches `[tiles · side², 3 · patchSize²]`
 * @returns `[tiles · tokensPerTile, D]`
 */
export function encodeTiles(
  patches: tf.Tensor2D,
  weights: VisionWeights,
  config: ModelConfig,
  mode: Recompute,
): tf.Tensor2D {
  const apply = (state: tf.Tensor, layer: VisionLayerWeights) => visionLayer(state, layer, config.vision);
  const x = runLayers(embedPatches(patches, weights), weights.layers, apply, mode);
  const normed = layerNorm(x, weights.postNorm.weight, weights.postNorm.bias, config.vision.epsilon);
  return tf.reshape(connect(normed, weights, config.scaleFactor), [-1, config.text.hiddenSize]);
}
