import { ImagineOpdError, type PatchGrid } from "@imagine-opd/protocol";
import type { ImageFeatures, WeightView } from "@imagine-opd/protocol/policy";
import * as tf from "@tensorflow/tfjs-core";
import { type ModelConfig, tokensPerTile } from "../config/model-config.ts";
import type { Recompute } from "./run-layers.ts";
import { bindVision, encodeTiles } from "./vision-tower.ts";
import type { WeightStore } from "./weight-store.ts";

/** Attention scores of one group of tiles stay below this many bytes when no gradient is taken. */
const groupBytes = 64 * 2 ** 20;

export interface ImageEncoder {
  /** Whether features depend on weights that training changes. */
  readonly trainable: boolean;
  encode(patches: readonly PatchGrid[], view: WeightView): ImageFeatures;
  /**
   * `[Σ tokens, D]` of all grids in their order, `undefined` for none; made on the tape where `onTape` says so, else taken
   * from the handle or made anew.
   */
  lookUp(
    patches: readonly PatchGrid[],
    view: WeightView,
    features: ImageFeatures | undefined,
    onTape: boolean,
  ): tf.Tensor2D | undefined;
}

function uniqueByKey(patches: readonly PatchGrid[]): PatchGrid[] {
  return [...new Map(patches.map((grid) => [grid.key, grid])).values()];
}

/** Features of all pictures, one after the other, from few batches of tiles. `[tiles · tokensPerTile, D]` */
function encodeInGroups(
  grids: readonly PatchGrid[],
  store: WeightStore,
  config: ModelConfig,
  view: WeightView,
  recompute: Recompute,
): tf.Tensor2D {
  const weights = bindVision(store, config, view);
  const places = (config.vision.imageSize / config.vision.patchSize) ** 2;
  const tilesPerGroup = Math.max(1, Math.floor(groupBytes / (4 * config.vision.heads * places * places)));
  const width = 3 * config.vision.patchSize ** 2;
  const tiles = grids.flatMap(({ values, grid: [count] }) =>
    Array.from({ length: count }, (_, tile) => values.subarray(tile * places * width, (tile + 1) * places * width)),
  );
  return tf.tidy(() => {
    const parts: tf.Tensor2D[] = [];
    for (let first = 0; first < tiles.length; first += tilesPerGroup) {
      const group = tiles.slice(first, first + tilesPerGroup);
      const rows = new Float32Array(group.length * places * width);
      group.forEach((values, tile) => {
        rows.set(values, tile * places * width);
      });
      const patches = () => tf.tensor2d(rows, [group.length * places, width]);
      parts.push(tf.tidy(() => encodeTiles(patches(), weights, config, recompute)));
    }
    return parts.length === 1 ? parts[0]! : tf.concat(parts, 0);
  });
}

/** The features of each picture, from those of all. */
function splitByPicture(features: tf.Tensor2D, grids: readonly PatchGrid[], perTile: number): tf.Tensor2D[] {
  let from = 0;
  return grids.map(({ grid: [tiles] }) => {
    const part = tf.slice(features, [from, 0], [tiles * perTile, features.shape[1]]);
    from += tiles * perTile;
    return part;
  });
}

/** Encodes pictures and shares the result among all holders, as long as no vision weight is trainable. */
export function createImageEncoder(
  store: WeightStore,
  config: ModelConfig,
  trainable: boolean,
  recompute: Recompute = "none",
): ImageEncoder {
  const shared = new Map<string, { tensor: tf.Tensor2D; holders: number }>();
  const held = new WeakMap<ImageFeatures, ReadonlyMap<string, tf.Tensor2D>>();
  const share = !trainable;
  const encodeAll = (grids: readonly PatchGrid[], view: WeightView) =>
    encodeInGroups(grids, store, config, view, recompute);
  const encodeEach = (grids: readonly PatchGrid[], view: WeightView): tf.Tensor2D[] =>
    grids.length === 0
      ? []
      : (tf.tidy(() => splitByPicture(encodeAll(grids, view), grids, tokensPerTile(config))) as tf.Tensor2D[]);

  const encode = (patches: readonly PatchGrid[], view: WeightView): ImageFeatures => {
    const grids = uniqueByKey(patches);
    const missing = grids.filter(({ key }) => !share || !shared.has(key));
    const made = encodeEach(missing, view).map((tensor) => tf.keep(tensor));
    const own = new Map(missing.map(({ key }, i) => [key, made[i]!]));
    if (share) {
      for (const [key, tensor] of own) shared.set(key, { tensor, holders: 0 });
      for (const { key } of grids) shared.get(key)!.holders += 1;
    }
    const tensors = share ? new Map(grids.map(({ key }) => [key, shared.get(key)!.tensor])) : own;
    let disposed = false;
    const features: ImageFeatures = {
      keys: [...tensors.keys()],
      dispose() {
        if (disposed) return;
        disposed = true;
        held.delete(features);
        for (const [key, tensor] of tensors) {
          const entry = shared.get(key);
          if (share && --entry!.holders > 0) continue;
          shared.delete(key);
          tensor.dispose();
        }
      },
    };
    held.set(features, tensors);
    return features;
  };

  return {
    trainable,
    encode,
    lookUp(patches, view, features, onTape) {
      const known = features === undefined ? undefined : held.get(features);
      if (features !== undefined && known === undefined) {
        throw new ImagineOpdError("disposed", {
          where: "vision-language-model",
          problem: "the image features are disposed or belong to another model.",
          remedy: "Call encodeImages of this policy, and dispose the result after the last call that takes it.",
        });
      }
      const found = (key: string) => (onTape && trainable ? undefined : (known?.get(key) ?? shared.get(key)?.tensor));
      const missing = uniqueByKey(patches.filter(({ key }) => found(key) === undefined));
      if (patches.length === 0) return undefined;
      if (missing.length === patches.length) return encodeAll(patches, view);
      const made = encodeEach(missing, view);
      const fresh = new Map(missing.map(({ key }, i) => [key, made[i]!]));
      const parts = patches.map(({ key }) => found(key) ?? fresh.get(key)!);
      return parts.length === 1 ? parts[0]! : tf.concat(parts, 0);
    },
  };
}
