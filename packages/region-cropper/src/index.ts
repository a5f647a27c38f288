export { type AreaBounds, boundedSize, boundImageArea } from "./bounded-size.ts";
export { type ControlOptions, type ControlView, chooseDonor, controlViews, type ViewControl } from "./control-views.ts";
export { type BoxNumbers, type CoordinateSpace, toPixelBox } from "./coordinate-space.ts";
export type { CropOptions, TokenBudget, ViewOutput } from "./crop-options.ts";
export { cropRegions } from "./crop-regions.ts";
export type {
  DroppedRegion,
  DropReason,
  EvidenceView,
  PlannedView,
  Region,
  ViewNote,
  ViewProvenance,
} from "./evidence-view.ts";
export { orientBox } from "./orient-box.ts";
export { planViews } from "./plan-views.ts";
export { toImageBox, toViewBox } from "./view-coordinates.ts";
