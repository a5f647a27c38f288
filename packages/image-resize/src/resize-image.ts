import { ImagineOpdError, type RgbImage } from "@imagine-opd/protocol";
import { checkImage, checkSide } from "./check-image.ts";
import { resampleColumns, resampleRows } from "./resample-pass.ts";
import { type FilterKernel, filterKernels, type ResizeFilter } from "./resize-filter.ts";

const where = "image-resize.resizeImage";

export interface ResizeOptions {
  /** Pillow's `Resampling.BILINEAR`, `BICUBIC` or `LANCZOS`. */
  readonly filter: ResizeFilter;
}

/** Width and height in pixels. */
export interface ImageSize {
  readonly width: number;
  readonly height: number;
}

function kernelOf(filter: ResizeFilter): FilterKernel {
  if (Object.hasOwn(filterKernels, filter)) return filterKernels[filter];
  throw new ImagineOpdError("invalid-argument", {
    where,
    problem: `\`filter\` must be one of ${Object.keys(filterKernels).join(", ")}, got ${String(filter)}.`,
    details: { filter },
  });
}

/**
 * The picture at another size, the same bytes as Pillow's `Image.resize(size, filter)`: two one-dimensional passes with
 * 22-bit fixed-point weights, each rounded to bytes; a pass whose length stays is skipped.
 *
 * The rows come first, except (as in Pillow) for a picture more than 100 times taller than wide whose height shrinks.
 * @throws invalid-argument when a side is not a positive integer or the bytes do not match the sides
 */
export function resizeImage(image: RgbImage, size: ImageSize, options: ResizeOptions): RgbImage {
  checkImage(image, where);
  checkSide("size.width", size.width, where);
  checkSide("size.height", size.height, where);
  const kernel = kernelOf(options.filter);
  const toWidth = (picture: RgbImage): RgbImage =>
    picture.width === size.width ? picture : resampleRows(picture, size.width, kernel);
  const toHeight = (picture: RgbImage): RgbImage =>
    picture.height === size.height ? picture : resampleColumns(picture, size.height, kernel);

  const columnsFirst = image.height > 100 * image.width && size.height < image.height;
  const resized = columnsFirst ? toWidth(toHeight(image)) : toHeight(toWidth(image));
  return resized === image ? { width: image.width, height: image.height, data: image.data.slice() } : resized;
}
