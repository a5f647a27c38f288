import { ImagineOpdError, type RgbImage } from "@imagine-opd/protocol";
import { encode } from "fast-png";

/**
 * The bytes of a PNG file (8-bit RGB, lossless).
 * @throws invalid-argument when the picture's bytes do not match its sides
 */
export function encodePng(image: RgbImage): Uint8Array {
  const { width, height, data } = image;
  if (!(width > 0 && height > 0) || data.length !== 3 * width * height) {
    throw new ImagineOpdError("invalid-argument", {
      where: "host/node.encodePng",
      problem: `a picture of ${width} x ${height} pixels needs ${3 * width * height} RGB bytes and at least one pixel, got ${data.length} bytes.`,
      details: { width, height, bytes: data.length },
    });
  }
  return encode({ width, height, data, channels: 3, depth: 8 });
}
