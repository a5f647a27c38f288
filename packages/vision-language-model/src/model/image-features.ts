import { ImagineOpdError, type PatchGrid } from "@imagine-opd/protocol";
import type { ImageFeatures, WeightView } from "@imagine-opd/protocol/policy";
import * as tf from "@tensorflow/tfjs-core";
import type { ModelConfig } from "../config/model-config.ts";
import type { Recompute } from "./run-layers.ts";
import { bindVision, encodeTiles } from "./vision-tower.ts";
import type { WeightStore } from "./weight-store.ts";

/** Attention scores of one group of tiles stay below this many bytes when no gradient is taken. */
const groupBytes = 64 * 2 ** 20;

export interface ImageEncoder {
  /** Whether features depend on weights that training changes. */
  readonly trainable: boolean;
  encode(patches: readonly PatchGrid[], view: WeightView): ImageFeatures;
  /** `[tokens, D]` for each grid; made on the tape where `onTape` says so, else taken from the handle or made anew. */
  lookUp(
    patches: readonly PatchGrid[],
    view: WeightView,
    features: ImageFeatures | undefined,
    onTape: boolean,
  ): tf.Tensor2D[];
}

function uniqueByKey(patches: readonly PatchGrid[]): PatchGrid[] {
  return [...new Map(patches.map((grid) => [grid.key, grid])).values()];
}

/** Features of several pictures in few batches. */
function encodeInGroups(
  grids: readonly PatchGrid[],
  store: WeightStore,
  config: ModelConfig,
  view: WeightView,
  recompute: Recompute,
): tf.Tensor2D[] {
  const weights = bindVision(store, config, view);
  const places = (config.vision.imageSize / config.vision.patchSize) ** 2;
  const tilesPerGroup = Math.max(1, Math.floor(groupBytes / (4 * config.vision.heads * places * places)));
  const width = 3 * config.vision.patchSize ** 2;
  return grids.map(({ values, grid: [tiles] }) =>
    tf.tidy(() => {
      const parts: tf.Tensor2D[] = [];
      for (let first = 0; first < tiles; first += tilesPerGroup) {
        const count = Math.min(tilesPerGroup, tiles - first);
        const rows = values.subarray(first * places * width, (first + count) * places * width);
        parts.push(tf.tidy(() => encodeTiles(tf.tensor2d(rows, [count * places, width]), weights, config, recompute)));
      }
      return parts.length === 1 ? parts[0]! : tf.concat(parts, 0);
    }),
  );
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

  const encode = (patches: readonly PatchGrid[], view: WeightView): ImageFeatures => {
    const grids = uniqueByKey(patches);
    const missing = grids.filter(({ key }) => !share || !shared.has(key));
    const made = encodeInGroups(missing, store, config, view, recompute).map((tensor) => tf.keep(tensor));
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
      const made = encodeInGroups(missing, store, config, view, recompute);
      const fresh = new Map(missing.map(({ key }, i) => [key, made[i]!]));
      return patches.map(({ key }) => found(key) ?? fresh.get(key)!);
    },
  };
}
