/** An 8-bit RGB picture in row-major order, three bytes a pixel, no alpha. */
export interface RgbImage {
  /** Pixels. */
  readonly width: number;
  /** Pixels. */
  readonly height: number;
  /** `3 * width * height` bytes. */
  readonly data: Uint8Array;
}

/** A rectangle in pixels of one picture, half-open: it covers `left <= x < right`, `top <= y < bottom`. */
export interface RegionBox {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** A picture read from a file. */
export interface DecodedImage {
  /** The pixels, already turned upright. */
  readonly image: RgbImage;
  /** The file's EXIF orientation (1 to 8; 1 when the file names none). It is already applied to `image`; boxes given for the stored raster are mapped with it. */
  readonly orientation: number;
}
