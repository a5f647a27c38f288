import type { ImageSettings } from "../config/image-settings.ts";

interface Size {
  readonly width: number;
  readonly height: number;
}

/** What becomes of one picture: its resizes in order, then its tiles. */
export interface TilePlan {
  /** First resize: the longer side to the settings' longest edge (also when that enlarges). */
  readonly resized: Size;
  /** Second resize: to whole tiles when splitting, else to one tile. */
  readonly fitted: Size;
  /** Rows of tiles; 0 when the picture is a single tile. */
  readonly rows: number;
  /** Columns of tiles; 0 when the picture is a single tile. */
  readonly columns: number;
}

/** transformers never makes a side longer than this before tiling. */
const longestSide = 4096;

/** `[longer, shorter]` for an aspect of long to short; the divisions are in float64 in transformers' order. */
function resizeToLongest({ width, height }: Size, longest: number, evenShort: boolean): Size {
  const aspect = width / height;
  const even = (side: number) => Math.max(1, evenShort && side % 2 !== 0 ? side + 1 : side);
  if (width >= height) return { width: longest, height: even(Math.trunc(longest / aspect)) };
  return { width: even(Math.trunc(longest * aspect)), height: longest };
}

/** Sizes and tile counts of one picture, as transformers' Idefics3 image processor chooses them. */
export function planTiles(
  size: Size,
  { longestEdge, tileSize, splitting }: Pick<ImageSettings, "longestEdge" | "tileSize" | "splitting">,
): TilePlan {
  let resized = resizeToLongest(size, longestEdge, true);
  if (Math.max(resized.width, resized.height) > longestSide) resized = resizeToLongest(resized, longestSide, false);
  const single = { width: tileSize, height: tileSize };
  if (splitting === "off") return { resized, fitted: single, rows: 0, columns: 0 };
  const aspect = resized.width / resized.height;
  const whole = (side: number) => Math.ceil(side / tileSize) * tileSize;
  let { width, height } = resized;
  if (width >= height) {
    width = whole(width);
    height = whole(Math.trunc(width / aspect));
  } else {
    height = whole(height);
    width = whole(Math.trunc(height * aspect));
  }
  const fitted = { width, height };
  if (width <= tileSize && height <= tileSize) return { resized, fitted, rows: 0, columns: 0 };
  return { resized, fitted, rows: height / tileSize, columns: width / tileSize };
}
