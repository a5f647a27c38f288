import type { RgbImage } from "@imagine-opd/protocol";
import { randomStream } from "@imagine-opd/random-streams";

/** A square picture of random pixels, another for every seed. */
export function noisePicture(side: number, seed: number): RgbImage {
  const stream = randomStream(seed, "noise-picture");
  return { width: side, height: side, data: Uint8Array.from({ length: 3 * side * side }, () => stream.integer(256)) };
}
