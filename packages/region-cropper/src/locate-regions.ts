import type { ImageSize } from "@imagine-opd/image-resize";
import type { RegionBox } from "@imagine-opd/protocol";
import { toPixelBox } from "./coordinate-space.ts";
import type { DroppedRegion, DropReason, Region, ViewNote } from "./evidence-view.ts";

/** A region whose place on the picture is known. */
export interface LocatedRegion {
  readonly regionIndex: number;
  readonly region: Region;
  /** Sorted, clamped, not empty. */
  readonly box: RegionBox;
  readonly notes: readonly ViewNote[];
  /** Indices of all regions that it stands for: itself, and those merged into it. */
  readonly members: readonly number[];
}

/** Regions that go on, and those that do not. */
export interface Located {
  readonly located: readonly LocatedRegion[];
  readonly dropped: readonly DroppedRegion[];
}

/** The record of a region that gets no view. */
export function dropRegion(
  { regionIndex, region }: Pick<LocatedRegion, "regionIndex" | "region">,
  reason: DropReason,
  particulars: Pick<DroppedRegion, "keptIndex" | "contextScale"> = {},
): DroppedRegion {
  return { regionIndex, label: region.label, requestedBox: region.box, reason, ...particulars };
}

type Place = { readonly box: RegionBox; readonly notes: readonly ViewNote[] } | DropReason;

function placeRegion(region: Region, size: ImageSize, resizedSize: ImageSize | undefined): Place {
  const [x0, y0, x1, y1] = toPixelBox(region.box, region.space, size, resizedSize);
  if (![x0, y0, x1, y1].every(Number.isFinite)) return "non-finite";
  const [left, right] = [Math.min(x0, x1), Math.max(x0, x1)];
  const [top, bottom] = [Math.min(y0, y1), Math.max(y0, y1)];
  if (left === right || top === bottom) return "empty";
  const box = {
    left: Math.max(left, 0),
    top: Math.max(top, 0),
    right: Math.min(right, size.width),
    bottom: Math.min(bottom, size.height),
  };
  if (box.left >= box.right || box.top >= box.bottom) return "outside";
  const notes: ViewNote[] = [];
  if (x0 > x1 || y0 > y1) notes.push("corners-swapped");
  if (box.left !== left || box.top !== top || box.right !== right || box.bottom !== bottom) notes.push("clamped");
  return { box, notes };
}

/** Finds every region's place on a picture of `size`; those without one are dropped with their reason. */
export function locateRegions(regions: readonly Region[], size: ImageSize, resizedSize?: ImageSize): Located {
  const located: LocatedRegion[] = [];
  const dropped: DroppedRegion[] = [];
  regions.forEach((region, regionIndex) => {
    const place = placeRegion(region, size, resizedSize);
    if (typeof place === "string") dropped.push(dropRegion({ regionIndex, region }, place));
    else located.push({ regionIndex, region, ...place, members: [regionIndex] });
  });
  return { located, dropped };
}
