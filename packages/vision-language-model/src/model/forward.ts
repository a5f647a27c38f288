import type { PatchGrid } from "@imagine-opd/protocol";
import type { ImageFeatures, WeightView } from "@imagine-opd/protocol/policy";
import { isTapeRecording, takeRows } from "@imagine-opd/tensor-ops";
import * as tf from "@tensorflow/tfjs-core";
import { type ModelConfig, tokensPerTile } from "../config/model-config.ts";
import type { ImageEncoder } from "./image-features.ts";
import { rotaryAngles, rotaryFrequencies } from "./rotary-angles.ts";
import type { Recompute } from "./run-layers.ts";
import { causalBias, layOutSequences, type SequenceLayout, type TokenRow } from "./sequence-layout.ts";
import { bindText, type LayerCache, runDecoder, runDecoderLayers } from "./text-decoder.ts";
import { embedTokens, type HostRows } from "./token-embedding.ts";
import type { WeightStore } from "./weight-store.ts";

/** What a forward pass needs of a model. */
export interface ModelParts {
  readonly config: ModelConfig;
  readonly store: WeightStore;
  readonly images: ImageEncoder;
  /** Present when the token embedding is frozen. */
  readonly hostRows: HostRows | undefined;
  /** What the decoder's layers leave for the backward pass. @default "none" */
  readonly recompute?: Recompute;
}

/** Embeddings of a laid-out batch, pictures in place. `[B, n, D]` */
export function embedLayout(
  layout: SequenceLayout,
  parts: ModelParts,
  view: WeightView,
  features?: ImageFeatures,
): tf.Tensor3D {
  const width = parts.config.text.hiddenSize;
  const text = embedTokens(layout.textIds, parts.store, parts.hostRows, view, width);
  const pictures = parts.images.lookUp(layout.grids, view, features, isTapeRecording());
  const table = pictures === undefined ? text : tf.concat([text, pictures], 0);
  return tf.reshape(takeRows(table, layout.source), [layout.batch, layout.length, width]);
}

/** Runs whole sequences through the decoder. The result stands before the final norm; while gradients are taken there is no cache. */
export function runSequences(
  rows: readonly TokenRow[],
  pad: "left" | "right",
  parts: ModelParts,
  view: WeightView,
  features?: ImageFeatures,
): { layout: SequenceLayout; x: tf.Tensor; caches: LayerCache[] } {
  const { config } = parts;
  const perTile = tokensPerTile(config);
  const tokensOf = ({ grid }: PatchGrid) => grid[0] * perTile;
  const layout = layOutSequences(rows, { imageTokenId: config.imageTokenId, pad, tokensOf });
  const angles = rotaryAngles(
    layout.positions,
    [layout.batch, layout.length],
    rotaryFrequencies(config.text.headDim, config.text.ropeTheta),
  );
  const { values, blocks } = causalBias(layout);
  const bias = tf.tensor4d(values, [blocks, 1, layout.length, layout.length]);
  const x = embedLayout(layout, parts, view, features);
  const weights = bindText(parts.store, config, view);
  const plan = { ...angles, bias };
  if (!isTapeRecording()) return { layout, ...runDecoder(x, weights, plan, config.text) };
  return { layout, x: runDecoderLayers(x, weights, plan, config.text, parts.recompute ?? "none"), caches: [] };
}
