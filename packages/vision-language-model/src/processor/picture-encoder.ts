import type { PatchGrid, RgbImage } from "@imagine-opd/protocol";
import type { ImageSettings } from "../config/image-settings.ts";
import { type ImageTiles, splitImage } from "./image-tiles.ts";
import { createPatchMaker } from "./patch-grid.ts";

/** One picture as the model takes it. */
export interface EncodedPicture extends Pick<ImageTiles, "rows" | "columns"> {
  readonly patches: PatchGrid;
}

interface Remembered extends Pick<ImageTiles, "rows" | "columns"> {
  /** Copy of the picture's: it may be painted over between two calls. */
  readonly bytes: Uint8Array;
  /** Weak, so that nothing large outlives the prompts that hold it. */
  readonly patches: WeakRef<PatchGrid>;
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/**
 * Returns a function from the pictures of one prompt to what the model takes. It remembers the pictures of its last call: the
 * student's and the teacher's prompt of one example come one after the other and share a picture, of which resizing takes most.
 */
export function createPictureEncoder(
  settings: ImageSettings,
  patchSize: number,
): (images: readonly RgbImage[]) => EncodedPicture[] {
  const makePatches = createPatchMaker(settings, patchSize);
  let last = new Map<RgbImage, Remembered>();
  const recall = (image: RgbImage): EncodedPicture | undefined => {
    const known = last.get(image);
    const patches = known?.patches.deref();
    if (known === undefined || patches === undefined || !equalBytes(known.bytes, image.data)) return undefined;
    return { rows: known.rows, columns: known.columns, patches };
  };
  return (images) => {
    const encoded = images.map((image): EncodedPicture => {
      const recalled = recall(image);
      if (recalled !== undefined) return recalled;
      const { tiles, rows, columns } = splitImage(image, settings);
      return { rows, columns, patches: makePatches(tiles) };
    });
    last = new Map(
      images.map((image, i) => {
        const { patches, ...grid } = encoded[i]!;
        return [image, { ...grid, bytes: image.data.slice(), patches: new WeakRef(patches) }];
      }),
    );
    return encoded;
  };
}
