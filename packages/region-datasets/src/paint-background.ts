import type { RandomStream } from "@imagine-opd/random-streams";
import { drawBetween, type ResolvedSceneOptions } from "./scene-options.ts";

const mapSide = 16;

/** A grey picture with a tint, two linear gradients, low-frequency noise and clutter rectangles. */
export function paintBackground(
  data: Uint8ClampedArray,
  { size, clutter }: ResolvedSceneOptions,
  stream: RandomStream,
): void {
  const grey = 95 + stream.integer(80);
  const tint = [0, 0, 0].map(() => stream.integer(37) - 18);
  const map = drawMap(stream);
  // Bilinear with the map's samples at the middles of its cells, clamped at the border.
  const steps = Array.from({ length: size }, (_, i) => {
    const at = Math.min(Math.max(((i + 0.5) * mapSide) / size - 0.5, 0), mapSide - 1);
    const from = Math.min(Math.floor(at), mapSide - 2);
    return { from, weight: at - from };
  });
  for (let y = 0, p = 0; y < size; y++) {
    const { from: row, weight: down } = steps[y]!;
    for (let x = 0; x < size; x++, p += 3) {
      const { from: column, weight: right } = steps[x]!;
      const i = row * mapSide + column;
      const upper = map[i]! + (map[i + 1]! - map[i]!) * right;
      const lower = map[i + mapSide]! + (map[i + mapSide + 1]! - map[i + mapSide]!) * right;
      const light = grey + upper + (lower - upper) * down;
      for (let channel = 0; channel < 3; channel++) data[p + channel] = light + tint[channel]!;
    }
  }
  for (let i = drawBetween(stream, clutter); i > 0; i--) paintRectangle(data, size, grey, tint, stream);
}

function drawMap(stream: RandomStream): Float32Array {
  const [across, down] = [stream.uniform() * 40 - 20, stream.uniform() * 40 - 20];
  return Float32Array.from({ length: mapSide * mapSide }, (_, i) => {
    const [x, y] = [(i % mapSide) / (mapSide - 1), Math.floor(i / mapSide) / (mapSide - 1)];
    return across * (2 * x - 1) + down * (2 * y - 1) + 7 * stream.normal();
  });
}

/** A rectangle, or a bar when one side comes out short, in the background's own colours. */
function paintRectangle(
  data: Uint8ClampedArray,
  size: number,
  grey: number,
  tint: readonly number[],
  stream: RandomStream,
): void {
  const unit = size / 256;
  const side = () => Math.max(1, Math.round((6 + stream.integer(41)) * unit));
  const [width, height] = stream.uniform() < 0.5 ? [side(), side()] : [side(), Math.max(1, Math.round(3 * unit))];
  const [left, top] = [stream.integer(size - width + 1), stream.integer(size - height + 1)];
  const colour = tint.map((channel) => grey + channel + stream.integer(77) - 38);
  for (let y = top; y < top + height; y++) {
    for (let x = left; x < left + width; x++) data.set(colour, 3 * (y * size + x));
  }
}

/**
 * Adds luminance noise to every pixel: the sum of four random bytes, which is near enough to normal for a picture and
 * costs one 32-bit number a pixel. Mean 0, standard deviation 5 of 255.
 */
export function addNoise(data: Uint8ClampedArray, stream: RandomStream): void {
  const deviation = Math.sqrt((4 * (256 * 256 - 1)) / 12);
  for (let p = 0; p < data.length; p += 3) {
    const word = stream.uint32();
    const sum = (word & 255) + ((word >>> 8) & 255) + ((word >>> 16) & 255) + (word >>> 24);
    const noise = (5 * (sum - 510)) / deviation;
    data[p] = data[p]! + noise;
    data[p + 1] = data[p + 1]! + noise;
    data[p + 2] = data[p + 2]! + noise;
  }
}
