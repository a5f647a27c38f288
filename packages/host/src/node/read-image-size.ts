import { openSharp } from "./open-sharp.ts";

/** What the header of a picture says. */
export interface ImageFileSize {
  /** Pixels, after turning the picture upright. */
  readonly width: number;
  /** Pixels, after turning the picture upright. */
  readonly height: number;
  /** EXIF orientation, 1 to 8; 1 when the file names none. */
  readonly orientation: number;
}

/**
 * The upright size of a picture file, from its header: no pixel is decoded.
 * @throws the errors of `decodeImage`, except for damage behind the header
 */
export async function readImageSize(file: string | Uint8Array): Promise<ImageFileSize> {
  const { metadata } = await openSharp(file, "host/node.readImageSize");
  const { width, height, orientation = 1 } = metadata;
  const lying = orientation >= 5;
  return { width: lying ? height : width, height: lying ? width : height, orientation };
}
