const startOfImage = 0xffd8;
const startOfScan = 0xda;
const applicationSegment1 = 0xe1;
const orientationTag = 0x0112;

/** Offset of the TIFF block inside the EXIF segment of a JPEG file, or `undefined` when there is none. */
function findExif(bytes: DataView): number | undefined {
  if (bytes.byteLength < 4 || bytes.getUint16(0) !== startOfImage) return undefined;
  let at = 2;
  while (at + 10 <= bytes.byteLength && bytes.getUint8(at) === 0xff) {
    const marker = bytes.getUint8(at + 1);
    if (marker === startOfScan) return undefined;
    // "Exif" and two zero bytes
    const isExif =
      marker === applicationSegment1 && bytes.getUint32(at + 4) === 0x45786966 && bytes.getUint16(at + 8) === 0;
    if (isExif) return at + 10;
    at += 2 + bytes.getUint16(at + 2);
  }
  return undefined;
}

/**
 * The EXIF orientation of a JPEG file, 1 to 8; 1 when it names none (EXIF 2.32, tag 0x0112 of the first image directory).
 * @param file the file, or enough of its beginning to hold the EXIF segment
 */
export function exifOrientation(file: Uint8Array): number {
  const bytes = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const tiff = findExif(bytes);
  if (tiff === undefined || tiff + 8 > bytes.byteLength) return 1;
  const littleEndian = bytes.getUint16(tiff) === 0x4949;
  const directory = tiff + bytes.getUint32(tiff + 4, littleEndian);
  if (directory + 2 > bytes.byteLength) return 1;
  const entries = bytes.getUint16(directory, littleEndian);
  for (let i = 0; i < entries; i++) {
    const entry = directory + 2 + 12 * i;
    if (entry + 12 > bytes.byteLength) return 1;
    if (bytes.getUint16(entry, littleEndian) !== orientationTag) continue;
    const value = bytes.getUint16(entry + 8, littleEndian);
    return value >= 1 && value <= 8 ? value : 1;
  }
  return 1;
}
