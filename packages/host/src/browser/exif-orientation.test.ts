import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { exifOrientation } from "./exif-orientation.ts";

const red = sharp({ create: { width: 2, height: 2, channels: 3, background: "red" } });

/** A JPEG's first segments by hand: an APP0 that is skipped, then EXIF with two entries, the orientation second. */
function header(littleEndian: boolean, value: number): Uint8Array {
  const bytes = new Uint8Array(64);
  const view = new DataView(bytes.buffer);
  bytes.set([0xff, 0xd8, 0xff, 0xe0, 0, 4, 1, 1, 0xff, 0xe1, 0, 46, 0x45, 0x78, 0x69, 0x66, 0, 0]);
  const tiff = 18;
  view.setUint16(tiff, littleEndian ? 0x4949 : 0x4d4d);
  view.setUint16(tiff + 2, 42, littleEndian);
  view.setUint32(tiff + 4, 8, littleEndian);
  view.setUint16(tiff + 8, 2, littleEndian);
  view.setUint16(tiff + 10, 0x0100, littleEndian);
  view.setUint16(tiff + 22, 0x0112, littleEndian);
  view.setUint16(tiff + 24, 3, littleEndian);
  view.setUint32(tiff + 26, 1, littleEndian);
  view.setUint16(tiff + 30, value, littleEndian);
  return bytes;
}

describe("exifOrientation", () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8])("reads orientation %i from a JPEG file", async (orientation) => {
    expect(exifOrientation(await red.clone().withMetadata({ orientation }).jpeg().toBuffer())).toBe(orientation);
  });

  it.each([true, false])("reads either byte order (little-endian: %s)", (littleEndian) => {
    expect(exifOrientation(header(littleEndian, 6))).toBe(6);
    expect(exifOrientation(header(littleEndian, 9))).toBe(1);
  });

  it("is 1 without EXIF, for other formats, and for a header cut anywhere before the value", async () => {
    expect(exifOrientation(await red.clone().jpeg().toBuffer())).toBe(1);
    expect(exifOrientation(await red.clone().png().toBuffer())).toBe(1);
    const whole = header(false, 6);
    for (let length = 0; length < 48; length++) expect(exifOrientation(whole.slice(0, length))).toBe(1);
  });
});
