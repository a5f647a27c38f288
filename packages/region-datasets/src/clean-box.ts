import type { BoxFault } from "./region-record.ts";

type Box = readonly [number, number, number, number];

/** A picture's size in pixels, as far as it is known. */
export interface KnownSize {
  readonly width?: number;
  readonly height?: number;
}

export type CleanBox =
  | { readonly kind: "kept"; readonly box: Box; readonly sorted: boolean; readonly clamped: boolean }
  | { readonly kind: "dropped"; readonly reason: BoxFault };

/** Sorts the corners of a `pixel` box and clamps it to the picture; a side of unknown length is clamped at 0 only. */
export function cleanBox(numbers: readonly (number | null)[], { width, height }: KnownSize): CleanBox {
  if (!numbers.every((value) => Number.isFinite(value))) return { kind: "dropped", reason: "non-finite" };
  const [x0, y0, x1, y1] = numbers as unknown as Box;
  const [left, right] = x0 <= x1 ? [x0, x1] : [x1, x0];
  const [top, bottom] = y0 <= y1 ? [y0, y1] : [y1, y0];
  if (left === right || top === bottom) return { kind: "dropped", reason: "empty" };
  const box: Box = [
    Math.max(left, 0),
    Math.max(top, 0),
    Math.min(right, width ?? Number.POSITIVE_INFINITY),
    Math.min(bottom, height ?? Number.POSITIVE_INFINITY),
  ];
  if (box[0] >= box[2] || box[1] >= box[3]) return { kind: "dropped", reason: "outside" };
  return {
    kind: "kept",
    box,
    sorted: left !== x0 || top !== y0,
    clamped: box[0] !== left || box[1] !== top || box[2] !== right || box[3] !== bottom,
  };
}
