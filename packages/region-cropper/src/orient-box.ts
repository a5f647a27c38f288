import type { ImageSize } from "@imagine-opd/image-resize";
import { ImagineOpdError } from "@imagine-opd/protocol";
import type { BoxNumbers } from "./coordinate-space.ts";

type Point = readonly [number, number];

/** Where a point of the stored raster lies in the upright picture of `W` x `H` pixels, for orientations 1 to 8 (EXIF 2.32). */
const pointMaps: readonly ((x: number, y: number, W: number, H: number) => Point)[] = [
  (x, y) => [x, y],
  (x, y, W) => [W - x, y],
  (x, y, W, H) => [W - x, H - y],
  (x, y, _, H) => [x, H - y],
  (x, y) => [y, x],
  (x, y, W) => [W - y, x],
  (x, y, W, H) => [W - y, H - x],
  (x, y, _, H) => [y, H - x],
];

/**
 * A box that was drawn on the stored raster, as left, top, right, bottom on the upright picture.
 *
 * Annotation files often give boxes for the raster as stored, while decoders turn the picture by its EXIF orientation.
 * @param box left, top, right, bottom in pixels of the stored raster
 * @param orientation EXIF orientation, 1 to 8 (`DecodedImage.orientation`)
 * @param upright size of the picture after turning, in pixels
 * @throws invalid-argument for another orientation
 */
export function orientBox(box: BoxNumbers, orientation: number, upright: ImageSize): BoxNumbers {
  const map = pointMaps[orientation - 1];
  if (map === undefined) {
    throw new ImagineOpdError("invalid-argument", {
      where: "region-cropper.orientBox",
      problem: `\`orientation\` must be an EXIF orientation from 1 to 8, got ${orientation}.`,
      details: { orientation },
    });
  }
  const [x0, y0] = map(box[0], box[1], upright.width, upright.height);
  const [x1, y1] = map(box[2], box[3], upright.width, upright.height);
  return [Math.min(x0, x1), Math.min(y0, y1), Math.max(x0, x1), Math.max(y0, y1)];
}
