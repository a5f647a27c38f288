/** A 64-bit FNV-1a hash of several chunks of bytes, as 16 hexadecimal digits. For cache keys and fingerprints, not for security. */
export function hashBytes(chunks: Iterable<Uint8Array>): string {
  // The 64-bit state as four 16-bit limbs, so that every product stays exact.
  let [a, b, c, d] = [0xcbf2, 0x9ce4, 0x8422, 0x2325];
  for (const bytes of chunks) {
    for (let i = 0; i < bytes.length; i++) {
      d ^= bytes[i]!;
      // times 0x100000001b3 = 2^40 + 0x1b3
      const d0 = d * 0x1b3;
      const c0 = c * 0x1b3 + (d0 >>> 16);
      const b0 = b * 0x1b3 + (c0 >>> 16) + ((d & 0xff) << 8);
      const a0 = a * 0x1b3 + (b0 >>> 16) + ((c << 8) | (d >>> 8));
      a = a0 & 0xffff;
      b = b0 & 0xffff;
      c = c0 & 0xffff;
      d = d0 & 0xffff;
    }
  }
  return [a, b, c, d].map((limb) => limb.toString(16).padStart(4, "0")).join("");
}

/** {@link hashBytes} of a text's UTF-8 bytes. */
export function hashText(...texts: readonly string[]): string {
  const encoder = new TextEncoder();
  return hashBytes(texts.map((text) => encoder.encode(`${text.length}:${text}`)));
}
