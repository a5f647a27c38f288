import type { WeightView } from "@imagine-opd/protocol/policy";
import { attention, rmsNorm, rotary, swiGlu } from "@imagine-opd/tensor-ops";
import * as tf from "@tensorflow/tfjs-core";
import type { ModelConfig, TextConfig } from "../config/model-config.ts";
import { applyLinear } from "./apply-linear.ts";
import { joinHeads, splitHeads } from "./head-layout.ts";
import { type Recompute, runLayers } from "./run-layers.ts";
import { textLayerModule, textNormName } from "./weight-names.ts";
import type { LinearWeights, WeightStore } from "./weight-store.ts";

export interface DecoderLayerWeights {
  readonly inputNorm: tf.Tensor;
  readonly postNorm: tf.Tensor;
  readonly q: LinearWeights;
  readonly k: LinearWeights;
  readonly v: LinearWeights;
  readonly o: LinearWeights;
  readonly gate: LinearWeights;
  readonly up: LinearWeights;
  readonly down: LinearWeights;
}

export interface TextWeights {
  readonly layers: readonly DecoderLayerWeights[];
  readonly norm: tf.Tensor;
}

/** The decoder's weights under a view, without embedding and head. */
export function bindText(store: WeightStore, config: ModelConfig, view: WeightView): TextWeights {
  return {
    layers: Array.from({ length: config.text.layers }, (_, layer) => {
      const module = textLayerModule(layer);
      const linear = (part: string) => store.linear(`${module}.${part}`, view);
      return {
        inputNorm: store.tensor(`${module}.input_layernorm.weight`, view),
        postNorm: store.tensor(`${module}.post_attention_layernorm.weight`, view),
        q: linear("self_attn.q_proj"),
        k: linear("self_attn.k_proj"),
        v: linear("self_attn.v_proj"),
        o: linear("self_attn.o_proj"),
        gate: linear("mlp.gate_proj"),
        up: linear("mlp.up_proj"),
        down: linear("mlp.down_proj"),
      };
    }),
    norm: store.tensor(textNormName, view),
  };
}

/** What a forward pass knows about its tokens: where they stand and what they may look at. */
export interface TokenPlan {
  /** `[B or 1, 1, n, headDim]` */
  readonly cos: tf.Tensor4D;
  readonly sin: tf.Tensor4D;
  /** `[B or 1, 1, n, m]`: 0 where a token may look, −1e9 where not; absent when it may look at all `m`. */
  readonly bias?: tf.Tensor4D;
}

/** Keys (after the rotation) and values of one layer: `[B, kvHeads, m, headDim]` each. */
export interface LayerCache {
  readonly k: tf.Tensor4D;
  readonly v: tf.Tensor4D;
}

/** One Llama decoder layer. `[B, n, D]` → the same shape, and the cache that now ends with these tokens. */
export function decoderLayer(
  x: tf.Tensor,
  weights: DecoderLayerWeights,
  plan: TokenPlan,
  { heads, kvHeads, epsilon }: TextConfig,
  past?: LayerCache,
): { x: tf.Tensor; cache: LayerCache } {
  const normed = rmsNorm(x, weights.inputNorm, epsilon);
  const q = rotary(splitHeads(applyLinear(normed, weights.q), heads), plan.cos, plan.sin);
  const newK = rotary(splitHeads(applyLinear(normed, weights.k), kvHeads), plan.cos, plan.sin);
  const newV = splitHeads(applyLinear(normed, weights.v), kvHeads);
  const k = past === undefined ? newK : tf.concat([past.k, newK], 2);
  const v = past === undefined ? newV : tf.concat([past.v, newV], 2);
  const attended = joinHeads(attention(q, k, v, plan.bias === undefined ? {} : { bias: plan.bias }));
  const middle = tf.add(x, applyLinear(attended, weights.o));
  const inner = rmsNorm(middle, weights.postNorm, epsilon);
  const gated = swiGlu(applyLinear(inner, weights.gate), applyLinear(inner, weights.up));
  return { x: tf.add(middle, applyLinear(gated, weights.down)), cache: { k, v } };
}

/** All decoder layers without a cache, for training. `[B, n, D]` → `[B, n, D]` before the final norm. */
export function runDecoderLayers(
  x: tf.Tensor,
  weights: TextWeights,
  { cos, sin, bias }: TokenPlan & { readonly bias: tf.Tensor4D },
  config: TextConfig,
  mode: Recompute,
): tf.Tensor {
  const apply = (state: tf.Tensor, layer: DecoderLayerWeights, constants: readonly tf.Tensor[]) => {
    const [cos, sin, bias] = constants as [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D];
    return decoderLayer(state, layer, { cos, sin, bias }, config).x;
  };
  return runLayers(x, weights.layers, apply, mode, [cos, sin, bias]);
}

/** All decoder layers. `[B, n, D]` → `[B, n, D]` before the final norm, and every layer's cache. */
export function runDecoder(
  x: tf.Tensor,
  weights: TextWeights,
  plan: TokenPlan,
  config: TextConfig,
  past?: readonly LayerCache[],
): { x: tf.Tensor; caches: LayerCache[] } {
  const caches: LayerCache[] = [];
  let state = x;
  weights.layers.forEach((layer, i) => {
    const result = tf.tidy(
      () => decoderLayer(state, layer, plan, config, past?.[i]) as unknown as tf.TensorContainerObject,
    ) as unknown as ReturnType<typeof decoderLayer>;
    state = result.x;
    caches.push(result.cache);
  });
  return { x: state, caches };
}
