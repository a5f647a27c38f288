import { type DecodedImage, ImagineOpdError } from "@imagine-opd/protocol";
import { exifOrientation } from "./exif-orientation.ts";

const where = "host/browser.decodeImage";

/** An EXIF segment stands among the first segments, each of at most 64 KiB. */
const headerBytes = 1 << 18;

async function decodeBitmap(blob: Blob): Promise<ImageBitmap> {
  try {
    return await createImageBitmap(blob, {
      imageOrientation: "from-image",
      premultiplyAlpha: "none",
      colorSpaceConversion: "none",
    });
  } catch (cause) {
    const name = blob instanceof File ? blob.name : `a blob of ${blob.size} bytes`;
    throw new ImagineOpdError("invalid-data", {
      where,
      problem: `${name} does not decode as a picture.`,
      remedy: "The file is damaged or of a format that this browser does not read.",
      details: { type: blob.type, size: blob.size },
      cause,
    });
  }
}

function readPixels(bitmap: ImageBitmap): Uint8ClampedArray {
  const context = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d", { willReadFrequently: true });
  if (context === null) {
    throw new ImagineOpdError("missing-part", {
      where,
      problem: "this browser gives no 2D context for an OffscreenCanvas.",
      remedy: "Use a browser with OffscreenCanvas, and fewer canvases at a time.",
    });
  }
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, bitmap.width, bitmap.height).data;
}

function dropAlpha(rgba: Uint8ClampedArray): Uint8Array {
  const rgb = new Uint8Array((rgba.length / 4) * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4, to += 3) {
    rgb[to] = rgba[from]!;
    rgb[to + 1] = rgba[from + 1]!;
    rgb[to + 2] = rgba[from + 2]!;
  }
  return rgb;
}

/**
 * The pixels of a picture, decoded by the browser: turned upright, alpha dropped, colour profiles ignored.
 *
 * Opaque PNG files give the same bytes as `host/node`. JPEG decoders differ by a few levels, and a canvas keeps colours
 * under transparency only roughly. The orientation is read from JPEG files; it is 1 for other formats.
 * @throws invalid-data when the browser cannot decode the blob; missing-part without a 2D context
 */
export async function decodeImage(blob: Blob): Promise<DecodedImage> {
  const bitmap = await decodeBitmap(blob);
  try {
    const orientation = exifOrientation(new Uint8Array(await blob.slice(0, headerBytes).arrayBuffer()));
    const { width, height } = bitmap;
    return { image: { width, height, data: dropAlpha(readPixels(bitmap)) }, orientation };
  } finally {
    bitmap.close();
  }
}
