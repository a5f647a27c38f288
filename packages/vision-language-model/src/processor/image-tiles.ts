import { cropImage, resizeImage } from "@imagine-opd/image-resize";
import type { RgbImage } from "@imagine-opd/protocol";
import type { ImageSettings } from "../config/image-settings.ts";
import { planTiles } from "./tile-plan.ts";

export interface ImageTiles {
  /** Square tiles row by row, then the whole picture as the last one; a single tile when `rows` is 0. */
  readonly tiles: readonly RgbImage[];
  readonly rows: number;
  readonly columns: number;
}

/** One picture as the square tiles that the vision tower sees. Every resize rounds to whole bytes, as Pillow's does. */
export function splitImage(image: RgbImage, settings: ImageSettings): ImageTiles {
  const { resized, fitted, rows, columns } = planTiles(image, settings);
  const { filter, tileSize } = settings;
  const whole = resizeImage(resizeImage(image, resized, { filter }), fitted, { filter });
  if (rows === 0) return { tiles: [whole], rows, columns };
  const tiles: RgbImage[] = [];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const [left, top] = [column * tileSize, row * tileSize];
      tiles.push(cropImage(whole, { left, top, right: left + tileSize, bottom: top + tileSize }));
    }
  }
  tiles.push(resizeImage(whole, { width: tileSize, height: tileSize }, { filter }));
  return { tiles, rows, columns };
}
