import { type DecodeLayerWeights, decodeLayer, padBias } from "@imagine-opd/tensor-ops";
import * as tf from "@tensorflow/tfjs-core";
import type { TextConfig } from "../config/model-config.ts";
import { type DecoderLayerWeights, decoderLayer, type LayerCache } from "./text-decoder.ts";
import type { LinearWeights } from "./weight-store.ts";

/** Where the new token of every row stands. */
export interface StepPosition {
  /** Cached positions in use, pads counted. */
  readonly length: number;
  /** `[B]` pads before each row. */
  readonly pads: Int32Array;
  /** `[B, 1, 1, headDim]` */
  readonly cos: tf.Tensor4D;
  readonly sin: tf.Tensor4D;
}

/** The bare matrices of a layer; `undefined` when a bias or an adapter comes with one, which `decodeLayer` does not know. */
function plainWeights(layer: DecoderLayerWeights): DecodeLayerWeights | undefined {
  const { inputNorm, postNorm, ...linears } = layer;
  const isPlain = ({ bias, adapter }: LinearWeights) => bias === undefined && adapter === undefined;
  if (!Object.values(linears).every(isPlain)) return undefined;
  const { q, k, v, o, gate, up, down } = linears;
  const matrices = { q: q.weight, k: k.weight, v: v.weight, o: o.weight };
  return { inputNorm, postNorm, ...matrices, gate: gate.weight, up: up.weight, down: down.weight };
}

/**
 * One new token a row through all decoder layers. The caches that come in are used up, as by `decodeLayer`.
 * @param x `[B, D]`
 * @returns `[B, D]` before the final norm, and caches whose first `length + 1` positions are in use
 */
export function runDecodeStep(
  x: tf.Tensor2D,
  layers: readonly DecoderLayerWeights[],
  position: StepPosition,
  config: TextConfig,
  caches: readonly LayerCache[],
): { x: tf.Tensor2D; caches: LayerCache[] } {
  const { length, pads, cos, sin } = position;
  const { heads, epsilon } = config;
  const next: LayerCache[] = [];
  let state = x;
  layers.forEach((layer, i) => {
    const plain = plainWeights(layer);
    if (plain !== undefined) {
      const step = decodeLayer(state, plain, caches[i]!, { length, pads, cos, sin, heads, epsilon });
      state = step.x;
      next.push(step.cache);
    } else {
      const plan = { cos, sin, ...padBias(pads, length + 1) };
      const step = decoderLayer(tf.expandDims(state, 1), layer, plan, config, caches[i]);
      state = tf.squeeze(step.x, [1]);
      next.push(step.cache);
    }
  });
  return { x: state, caches: next };
}
