import type { RegionBox } from "@imagine-opd/protocol";

/** Area in square pixels. */
export function boxArea({ left, top, right, bottom }: RegionBox): number {
  return (right - left) * (bottom - top);
}

/** Area that two boxes share, in square pixels. */
export function sharedArea(a: RegionBox, b: RegionBox): number {
  const width = Math.min(a.right, b.right) - Math.max(a.left, b.left);
  const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
  return Math.max(0, width) * Math.max(0, height);
}

/** Intersection over union, 0 to 1, of two boxes that are not empty. */
export function boxIou(a: RegionBox, b: RegionBox): number {
  const shared = sharedArea(a, b);
  return shared / (boxArea(a) + boxArea(b) - shared);
}

/** The smallest box that holds both. */
export function enclosingBox(a: RegionBox, b: RegionBox): RegionBox {
  return {
    left: Math.min(a.left, b.left),
    top: Math.min(a.top, b.top),
    right: Math.max(a.right, b.right),
    bottom: Math.max(a.bottom, b.bottom),
  };
}
