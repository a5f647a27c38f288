import { ImagineOpdError } from "@imagine-opd/protocol";
import { type Philox4, philox4x32 } from "./philox.ts";

/** What a stream is for: numbers (finite) and strings, in a fixed order. */
export type KeyPart = number | string;

/** Random numbers that depend on the key and on how many were drawn before, on nothing else. */
export interface RandomStream {
  /** Uniform over the 32-bit unsigned integers. */
  uint32(): number;
  /** Uniform in [0, 1), 53 random bits. */
  uniform(): number;
  /** Uniform over `0 … bound - 1`, without bias. `bound` is an integer from 1 to 2^32. */
  integer(bound: number): number;
  /** Normal with mean 0 and standard deviation 1 (Box and Muller 1958, the cosine branch). */
  normal(): number;
}

/** One 32-bit hash of the bytes (MurmurHash3 x86 32-bit, public domain, A. Appleby). */
function murmur3(bytes: Uint8Array, seed: number): number {
  let h = seed >>> 0;
  const mix = (k: number): number => {
    const rotated = Math.imul(k, 0xcc9e2d51);
    return Math.imul((rotated << 15) | (rotated >>> 17), 0x1b873593);
  };
  const whole = bytes.length & ~3;
  for (let i = 0; i < whole; i += 4) {
    h ^= mix(bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24));
    h = (h << 13) | (h >>> 19);
    h = (Math.imul(h, 5) + 0xe6546b64) | 0;
  }
  let tail = 0;
  for (let i = bytes.length - 1; i >= whole; i--) tail = (tail << 8) | bytes[i]!;
  h ^= mix(tail);
  h ^= bytes.length;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Every part with its type and length, so that no two different keys share their bytes. */
function keyBytes(parts: readonly KeyPart[]): Uint8Array {
  return new TextEncoder().encode(
    parts
      .map((part) => (typeof part === "string" ? `s${part.length}:${part}` : `n${Object.is(part, -0) ? 0 : part};`))
      .join(""),
  );
}

/**
 * The stream of a key such as `(seed, "rollout", step, recordId, 0)`. Equal keys give equal numbers on every machine;
 * different keys give independent ones.
 * @throws invalid-argument when a number is not finite
 */
export function randomStream(...key: readonly KeyPart[]): RandomStream {
  for (const part of key) {
    if (typeof part === "number" && !Number.isFinite(part)) {
      throw new ImagineOpdError("invalid-argument", {
        where: "random-streams.randomStream",
        problem: `every number of the key must be finite, got ${part}.`,
        remedy: "Pass the seed as an integer.",
        details: { key },
      });
    }
  }
  const bytes = keyBytes(key);
  const philoxKey: [number, number] = [murmur3(bytes, 0x9747b28c), murmur3(bytes, 0x3c6ef372)];
  const [high0, high1] = [murmur3(bytes, 0xdaa66d2b), murmur3(bytes, 0x78dde6e4)];
  let block: Philox4 = [0, 0, 0, 0];
  let drawn = 0;
  const uint32 = (): number => {
    const position = drawn % 4;
    if (position === 0) {
      const index = drawn / 4;
      block = philox4x32([index >>> 0, Math.floor(index / 4294967296), high0, high1], philoxKey);
    }
    drawn += 1;
    return block[position]!;
  };
  const uniform = (): number => (Math.floor(uint32() / 32) * 67108864 + Math.floor(uint32() / 64)) / 9007199254740992;
  const integer = (bound: number): number => {
    if (!Number.isInteger(bound) || bound < 1 || bound > 4294967296) {
      throw new ImagineOpdError("invalid-argument", {
        where: "random-streams.integer",
        problem: `\`bound\` must be an integer from 1 to 2^32, got ${bound}.`,
      });
    }
    const limit = Math.floor(4294967296 / bound) * bound;
    let drawnNumber = uint32();
    while (drawnNumber >= limit) drawnNumber = uint32();
    return drawnNumber % bound;
  };
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  return { uint32, uniform, integer, normal };
}

/** A uniformly random order of `0 … count - 1` (Fisher and Yates). */
export function permutation(count: number, stream: RandomStream): Int32Array {
  const order = Int32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = stream.integer(i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}
