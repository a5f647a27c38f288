import { type ImageSize, type ResizeFilter, resizeImage } from "@imagine-opd/image-resize";
import { ImagineOpdError, type RgbImage } from "@imagine-opd/protocol";

/** Least and largest area of a picture, in square pixels. */
export interface AreaBounds {
  readonly minArea: number;
  readonly maxArea: number;
}

function scaledToArea({ width, height }: ImageSize, area: number): ImageSize {
  const factor = Math.sqrt(area / (width * height));
  return { width: Math.max(1, Math.trunc(width * factor)), height: Math.max(1, Math.trunc(height * factor)) };
}

/**
 * The size, aspect kept, after one bounds step: both sides times `√(maxArea / area)` when the area is above `maxArea`, then
 * times `√(minArea / area)` when it is below `minArea`, each time truncated to integers (so the result may fall short of
 * `minArea` by less than a row and a column). A side never falls below one pixel.
 * @throws invalid-argument unless 0 < minArea <= maxArea
 */
export function boundedSize(size: ImageSize, bounds: AreaBounds): ImageSize {
  const { minArea, maxArea } = bounds;
  if (!(minArea > 0 && minArea <= maxArea)) {
    throw new ImagineOpdError("invalid-argument", {
      where: "region-cropper.boundedSize",
      problem: `areas must satisfy 0 < minArea <= maxArea, got minArea ${minArea}, maxArea ${maxArea}.`,
      details: { minArea, maxArea },
    });
  }
  const small = size.width * size.height > maxArea ? scaledToArea(size, maxArea) : size;
  return small.width * small.height < minArea ? scaledToArea(small, minArea) : small;
}

/** The picture resized to its {@link boundedSize}: the step that originals and views pass before a processor. */
export function boundImageArea(
  image: RgbImage,
  bounds: AreaBounds,
  options: {
    /** @default "bicubic" */
    readonly filter?: ResizeFilter;
  } = {},
): RgbImage {
  return resizeImage(image, boundedSize(image, bounds), { filter: options.filter ?? "bicubic" });
}
