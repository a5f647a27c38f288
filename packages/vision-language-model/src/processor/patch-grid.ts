import type { PatchGrid, RgbImage } from "@imagine-opd/protocol";
import type { ImageSettings } from "../config/image-settings.ts";
import { hashBytes, hashText } from "./hash.ts";

/** Normalised value of each byte, one table a channel: `(byte · rescale − mean) / deviation`, rounded like float32 arithmetic. */
function normalizationTables({ rescaleFactor, mean, deviation }: ImageSettings): readonly Float32Array[] {
  const f = Math.fround;
  return [0, 1, 2].map((channel) =>
    Float32Array.from(
      { length: 256 },
      (_, byte) => f(f(byte * rescaleFactor) - f(mean[channel]!)) / f(deviation[channel]!),
    ),
  );
}

/** Normalised patches, row by row; within one: channel, y, x. `[tiles · side², 3 · patchSize²]` */
function cutPatches(
  tiles: readonly RgbImage[],
  tables: readonly Float32Array[],
  width: number,
  patchSize: number,
): Float32Array {
  const side = width / patchSize;
  const values = new Float32Array(tiles.length * side * side * 3 * patchSize * patchSize);
  let at = 0;
  for (const { data } of tiles) {
    for (let patch = 0; patch < side * side; patch++) {
      const start = Math.floor(patch / side) * patchSize * width + (patch % side) * patchSize;
      for (let channel = 0; channel < 3; channel++) {
        const table = tables[channel]!;
        for (let y = 0; y < patchSize; y++) {
          let pixel = 3 * (start + y * width) + channel;
          for (let x = 0; x < patchSize; x++, pixel += 3) values[at++] = table[data[pixel]!]!;
        }
      }
    }
  }
  return values;
}

/** Returns a function from the tiles of one picture to rows of normalised patches, keyed by settings and bytes. */
export function createPatchMaker(
  settings: ImageSettings,
  patchSize: number,
): (tiles: readonly RgbImage[]) => PatchGrid {
  const tables = normalizationTables(settings);
  const settingsKey = hashText(JSON.stringify(settings), String(patchSize));
  const side = settings.tileSize / patchSize;
  return (tiles) => ({
    key: `${settingsKey}${hashBytes(tiles.map(({ data }) => data))}`,
    values: cutPatches(tiles, tables, settings.tileSize, patchSize),
    grid: [tiles.length, side, side],
  });
}
