import { type DecodedImage, ImagineOpdError } from "@imagine-opd/protocol";
import type { Metadata } from "sharp";
import { describeFile, openSharp, undecodable } from "./open-sharp.ts";

const where = "host/node.decodeImage";

function refuseUncomparedFormats(file: string | Uint8Array, { space, depth }: Metadata): void {
  const kind = space === "cmyk" ? "CMYK colours" : depth === "uchar" ? undefined : `samples of type ${depth}`;
  if (kind === undefined) return;
  throw new ImagineOpdError("unsupported", {
    where,
    problem: `${describeFile(file)} has ${kind}; only 8-bit RGB, grey and palette pictures are read.`,
    remedy: "Convert it to 8-bit sRGB first.",
    details: { file: describeFile(file), space, depth },
  });
}

/**
 * The pixels of a picture file (PNG, JPEG, WebP, … : what `sharp` reads), the same bytes as Pillow's
 * `ImageOps.exif_transpose(image).convert("RGB")`: turned upright, alpha dropped and not blended, grey replicated,
 * palette looked up, colour profiles ignored. Of an animation, the first frame.
 *
 * @param file path, or the bytes of the file
 * @throws missing-part without `sharp`; missing-file when the path cannot be read; invalid-data, naming the file, when it
 * does not decode; unsupported for CMYK and for more than 8 bits a channel
 */
export async function decodeImage(file: string | Uint8Array): Promise<DecodedImage> {
  const { pipeline, metadata } = await openSharp(file, where);
  refuseUncomparedFormats(file, metadata);
  try {
    const { data, info } = await pipeline
      .rotate()
      .toColourspace("srgb")
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    // A copy: small buffers of Node are slices of a shared pool, and these pixels may be posted to a worker.
    return {
      image: { width: info.width, height: info.height, data: new Uint8Array(data) },
      orientation: metadata.orientation ?? 1,
    };
  } catch (cause) {
    throw undecodable(file, where, cause);
  }
}
