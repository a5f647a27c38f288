import type { ImageSize } from "@imagine-opd/image-resize";
import { ImagineOpdError } from "@imagine-opd/protocol";

const where = "region-cropper.toPixelBox";

/** The four numbers of an annotated box; their meaning depends on the {@link CoordinateSpace}. */
export type BoxNumbers = readonly [number, number, number, number];

/**
 * How the four numbers of a box are meant. Always stated, never guessed from the values.
 *
 * - `pixel`: left, top, right, bottom in pixels
 * - `xywh-pixel`: left, top, width, height in pixels
 * - `unit`: left, top, right, bottom as shares of the picture's sides, 0 to 1
 * - `norm1000`: the same in thousandths, 0 to 1000 (Qwen2-VL, Qwen3-VL)
 * - `yxyx1000`: top, left, bottom, right in thousandths (Gemini)
 * - `resized-pixel`: left, top, right, bottom in pixels of the picture as a processor resized it (Qwen2.5-VL)
 */
export type CoordinateSpace = "pixel" | "xywh-pixel" | "unit" | "norm1000" | "yxyx1000" | "resized-pixel";

function neededResizedSize(size: ImageSize | undefined): ImageSize {
  if (size !== undefined && size.width > 0 && size.height > 0) return size;
  throw new ImagineOpdError("invalid-argument", {
    where,
    problem: `a box in \`resized-pixel\` needs the size of the resized picture, got ${JSON.stringify(size)}.`,
    remedy: "Pass `resizedSize`, the width and height after the processor's resize.",
    details: { resizedSize: size },
  });
}

/**
 * The box as left, top, right, bottom in pixels of the picture. Nothing is rounded, sorted or clamped.
 *
 * @param size the picture, in pixels
 * @param resizedSize the resized picture, for `resized-pixel` only
 * @throws invalid-argument for a space that is not one of {@link CoordinateSpace}, and for `resized-pixel` without a size
 */
export function toPixelBox(
  box: BoxNumbers,
  space: CoordinateSpace,
  size: ImageSize,
  resizedSize?: ImageSize,
): BoxNumbers {
  const [a, b, c, d] = box;
  const { width, height } = size;
  switch (space) {
    case "pixel":
      return box;
    case "xywh-pixel":
      return [a, b, a + c, b + d];
    case "unit":
      return [a * width, b * height, c * width, d * height];
    case "norm1000":
      return [(a * width) / 1000, (b * height) / 1000, (c * width) / 1000, (d * height) / 1000];
    case "yxyx1000":
      return [(b * width) / 1000, (a * height) / 1000, (d * width) / 1000, (c * height) / 1000];
    case "resized-pixel": {
      const resized = neededResizedSize(resizedSize);
      const [x, y] = [resized.width, resized.height];
      return [(a * width) / x, (b * height) / y, (c * width) / x, (d * height) / y];
    }
    default:
      throw new ImagineOpdError("invalid-argument", {
        where,
        problem: `\`space\` must be one of pixel, xywh-pixel, unit, norm1000, yxyx1000, resized-pixel, got ${space}.`,
        details: { space },
      });
  }
}
