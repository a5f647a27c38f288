import type { RgbImage } from "@imagine-opd/protocol";
import {
  boundImageArea,
  type ControlOptions,
  type CropOptions,
  controlViews,
  cropRegions,
  type EvidenceView,
  orientBox,
  type PlannedView,
  planViews,
  type Region,
  toImageBox,
  toPixelBox,
} from "./index.ts";

// Checked by the compiler alone: what is marked must not compile, everything else must.

declare const image: RgbImage;
declare const views: readonly EvidenceView[];
const size = { width: 10, height: 10 };

// Regions state their space; numbers are four.
const region: Region = { box: [0, 0, 1, 1], space: "unit" };
cropRegions(image, [region, { box: [1, 2, 3, 4], space: "xywh-pixel", label: "sign" }]);
// @ts-expect-error the space is never guessed
cropRegions(image, [{ box: [0, 0, 1, 1] }]);
// @ts-expect-error no such space
cropRegions(image, [{ box: [0, 0, 1, 1], space: "percent" }]);
// @ts-expect-error a box has four numbers
cropRegions(image, [{ box: [0, 0, 1], space: "unit" }]);
// @ts-expect-error a picture has bytes
cropRegions(size, [region]);
planViews(size, [region]);

// Options.
const crop = (options: CropOptions) => cropRegions(image, [region], options);
crop({ shape: "square", output: { kind: "fixed", width: 512, height: 512 }, dedupeIou: "off", maxViews: "all" });
crop({ tokenBudget: { total: 256, countTokens: ({ width, height }) => (width * height) / 784 } });
// @ts-expect-error a fixed size has two sides
crop({ output: { kind: "fixed", width: 512 } });
// @ts-expect-error bounds of an area are areas
crop({ output: { kind: "area", width: 512, height: 512 } });
// @ts-expect-error off is a word, not a flag
crop({ mergeIou: false });
// @ts-expect-error no such filter
crop({ filter: "nearest" });
// @ts-expect-error no such option
crop({ pad: 0.1 });

// A plan has no pixels, a view has.
export const planned: PlannedView = planViews(size, [region]).views[0]!;
// @ts-expect-error nothing is cut yet
planned.image;
export const view: EvidenceView = cropRegions(image, [region]).views[0]!;
export const left: number = view.provenance.pixelBox.left;
// @ts-expect-error provenance is a record, not a scratchpad
view.provenance.notes.push("clamped");

// Controls.
const options: ControlOptions = { seed: 1, recordId: "a", image };
controlViews("random-box", views, options);
controlViews("blank", [{ image }], options);
// @ts-expect-error another place needs to know the first one
controlViews("random-box", [{ image }], options);
// @ts-expect-error no such control
controlViews("swapped", views, options);
// @ts-expect-error randomness is an argument
controlViews("noise", views, { recordId: "a", image });

// Boxes.
toImageBox({ left: 0, top: 0, right: 1, bottom: 1 }, view.provenance);
toPixelBox([0, 0, 1, 1], "resized-pixel", size, { width: 5, height: 5 });
// @ts-expect-error four numbers and a box are not the same
toImageBox([0, 0, 1, 1], view.provenance);
// @ts-expect-error the upright size is needed
orientBox([0, 0, 1, 1], 6);
boundImageArea(image, { minArea: 1, maxArea: 100 }, { filter: "lanczos" });
// @ts-expect-error both bounds
boundImageArea(image, { minArea: 1 });
