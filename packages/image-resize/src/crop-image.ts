import { ImagineOpdError, type RegionBox, type RgbImage } from "@imagine-opd/protocol";
import { checkImage } from "./check-image.ts";

const where = "image-resize.cropImage";

/**
 * A copy of the pixels inside `box`.
 * @throws invalid-argument when the box is empty, has fractional sides or leaves the picture
 */
export function cropImage(image: RgbImage, box: RegionBox): RgbImage {
  checkImage(image, where);
  const { left, top, right, bottom } = box;
  const inside =
    0 <= left && left < right && right <= image.width && 0 <= top && top < bottom && bottom <= image.height;
  if (!inside || ![left, top, right, bottom].every(Number.isInteger)) {
    throw new ImagineOpdError("invalid-argument", {
      where,
      problem:
        `\`box\` must be a non-empty integer box inside ${image.width} x ${image.height} pixels, ` +
        `got left ${left}, top ${top}, right ${right}, bottom ${bottom}.`,
      remedy: "Round and clamp it first.",
      details: { box, width: image.width, height: image.height },
    });
  }
  const width = right - left;
  const height = bottom - top;
  const data = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++) {
    const start = 3 * ((top + y) * image.width + left);
    data.set(image.data.subarray(start, start + 3 * width), 3 * width * y);
  }
  return { width, height, data };
}
