import { crc32c } from "./crc32c.ts";

/**
 * One record of a TFRecord file: length (uint64), its checksum, the data, its checksum; all little-endian
 * (tensorflow/core/lib/io/record_writer.h).
 */
export function frameRecord(data: Uint8Array): Uint8Array {
  const record = new Uint8Array(16 + data.length);
  const view = new DataView(record.buffer);
  view.setBigUint64(0, BigInt(data.length), true);
  view.setUint32(8, maskChecksum(crc32c(record.subarray(0, 8))), true);
  record.set(data, 12);
  view.setUint32(12 + data.length, maskChecksum(crc32c(data)), true);
  return record;
}

/** Rotated right by 15 bits plus a constant, so that a checksum of data that holds checksums is not weak. */
function maskChecksum(checksum: number): number {
  return (((checksum >>> 15) | (checksum << 17)) + 0xa282ead8) >>> 0;
}
