import type { ImageSize } from "@imagine-opd/image-resize";
import type { RegionBox, RgbImage } from "@imagine-opd/protocol";
import type { BoxNumbers, CoordinateSpace } from "./coordinate-space.ts";

/** An annotated region of a picture. */
export interface Region {
  readonly box: BoxNumbers;
  readonly space: CoordinateSpace;
  readonly label?: string;
}

/**
 * What was done to a box beyond what the options ask for.
 *
 * - `corners-swapped`: its corners came in the wrong order and were sorted
 * - `clamped`: it reached beyond the picture and was cut to it
 * - `merged`: it is the enclosing box of several regions
 * - `picture-too-small`: the picture is smaller than the side that minimum, aspect or square ask for; the view ends at its edge
 */
export type ViewNote = "corners-swapped" | "clamped" | "merged" | "picture-too-small";

/** Where a view comes from. Plain JSON. */
export interface ViewProvenance {
  /** Index into the given regions; of a merged one, the first. */
  readonly regionIndex: number;
  readonly label: string | undefined;
  /** The region's numbers as given. */
  readonly requestedBox: BoxNumbers;
  /** What the numbers mean. */
  readonly space: CoordinateSpace;
  /** The region in pixels of the picture: sorted, clamped, not padded, not rounded. */
  readonly regionBox: RegionBox;
  /** The pixels that were cropped: an integer box inside the picture. */
  readonly pixelBox: RegionBox;
  /** Rung of the context ladder. */
  readonly contextScale: number;
  /** Pixels of the view for each pixel of the picture. */
  readonly scale: { readonly x: number; readonly y: number };
  /** Share of the picture's area that the region covers, 0 to 1. */
  readonly areaShare: number;
  readonly notes: readonly ViewNote[];
}

/** A view that is planned but not cut yet. */
export interface PlannedView {
  readonly provenance: ViewProvenance;
  /** Size of the view after zooming, in pixels. */
  readonly size: ImageSize;
}

/** A zoomed crop of an annotated region. */
export interface EvidenceView {
  readonly image: RgbImage;
  readonly provenance: ViewProvenance;
}

/**
 * Why a region has no view of its own.
 *
 * - `non-finite`: a number of its box is NaN or infinite
 * - `empty`: its box has no area
 * - `outside`: no part of its box lies on the picture
 * - `duplicate`: it overlaps an earlier region by `dedupeIou` or more
 * - `merged`: it went into the enclosing box of an earlier region
 * - `over-max-views`, `over-token-budget`: the views before it used up the limit
 */
export type DropReason =
  | "non-finite"
  | "empty"
  | "outside"
  | "duplicate"
  | "merged"
  | "over-max-views"
  | "over-token-budget";

/** A region without a view of its own, and why. */
export interface DroppedRegion {
  /** Index into the given regions. */
  readonly regionIndex: number;
  readonly label: string | undefined;
  readonly requestedBox: BoxNumbers;
  readonly reason: DropReason;
  /** The region that stands for it, for `duplicate` and `merged`. */
  readonly keptIndex?: number;
  /** The rung that is missing, for the two limits: lower rungs of the same region may have a view. */
  readonly contextScale?: number;
}
