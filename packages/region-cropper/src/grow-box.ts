import type { ImageSize } from "@imagine-opd/image-resize";
import type { RegionBox } from "@imagine-opd/protocol";
import type { CropPolicy } from "./crop-options.ts";

/** An edge this close to a pixel's edge (in pixels) lies on it: 70 + 0.1 * 70 must not open another column. */
const edgeTolerance = 1e-6;

interface Span {
  readonly start: number;
  readonly end: number;
}

/** The pixels `0 ... limit - 1` that a span touches; at least one. */
function coverPixels({ start, end }: Span, limit: number): Span {
  const first = Math.min(Math.max(0, Math.floor(start + edgeTolerance)), limit - 1);
  return { start: first, end: Math.max(first + 1, Math.min(limit, Math.ceil(end - edgeTolerance))) };
}

/** A longer span about the same centre, shifted to stay in `0 ... limit`; no longer than `limit`. */
function growSpan(span: Span, length: number, limit: number): Span {
  const target = Math.min(length, limit);
  const missing = target - (span.end - span.start);
  if (missing <= 0) return span;
  const start = Math.min(Math.max(0, span.start - Math.floor(missing / 2)), limit - target);
  return { start, end: start + target };
}

export interface GrownBox {
  readonly pixelBox: RegionBox;
  /** The picture is smaller than a side that was asked for. */
  readonly pictureTooSmall: boolean;
}

/**
 * The pixels to crop for a region: its sides times `contextScale`, plus `padding` of that on each side, rounded outwards, cut
 * at the picture's edges; then grown about the centre, shifted to stay inside, to `minSide`, to `maxAspect`, and to a square
 * when `shape` says so.
 */
export function growBox(
  box: RegionBox,
  contextScale: number,
  size: ImageSize,
  policy: Pick<CropPolicy, "padding" | "minSide" | "maxAspect" | "shape">,
): GrownBox {
  const { padding, minSide, maxAspect, shape } = policy;
  const context = (contextScale - 1) / 2 + padding * contextScale;
  const marginX = context * (box.right - box.left);
  const marginY = context * (box.bottom - box.top);
  let x = coverPixels({ start: box.left - marginX, end: box.right + marginX }, size.width);
  let y = coverPixels({ start: box.top - marginY, end: box.bottom + marginY }, size.height);
  let pictureTooSmall = false;
  const grow = (width: number, height: number): void => {
    pictureTooSmall ||= width > size.width || height > size.height;
    x = growSpan(x, width, size.width);
    y = growSpan(y, height, size.height);
  };

  grow(minSide, minSide);
  const longSide = Math.max(x.end - x.start, y.end - y.start);
  const shortSide = shape === "square" ? longSide : Math.ceil(longSide / maxAspect);
  grow(shortSide, shortSide);
  return { pixelBox: { left: x.start, top: y.start, right: x.end, bottom: y.end }, pictureTooSmall };
}
