import type { ImageSize } from "@imagine-opd/image-resize";
import { ImagineOpdError } from "@imagine-opd/protocol";
import { boundedSize } from "./bounded-size.ts";
import { boxArea } from "./box-overlap.ts";
import { dropDuplicates, mergeRegions } from "./combine-regions.ts";
import { type CropOptions, type CropPolicy, cropPolicy, type ViewOutput } from "./crop-options.ts";
import type { DroppedRegion, PlannedView, Region, ViewNote } from "./evidence-view.ts";
import { growBox } from "./grow-box.ts";
import { dropRegion, type Located, type LocatedRegion, locateRegions } from "./locate-regions.ts";
import { sortForReading } from "./reading-order.ts";

/** Regions that get views, in their final order. */
function selectRegions(regions: readonly Region[], size: ImageSize, policy: CropPolicy): Located {
  const { dedupeIou, mergeIou, order, resizedSize } = policy;
  let { located, dropped } = locateRegions(regions, size, resizedSize);
  const narrow = (next: Located): void => {
    located = next.located;
    dropped = [...dropped, ...next.dropped];
  };
  if (dedupeIou !== "off") narrow(dropDuplicates(located, dedupeIou));
  if (mergeIou !== "off") narrow(mergeRegions(located, mergeIou));
  return { located: order === "reading" ? sortForReading(located) : located, dropped };
}

function outputSize(crop: ImageSize, output: ViewOutput): ImageSize {
  return output.kind === "fixed" ? { width: output.width, height: output.height } : boundedSize(crop, output);
}

function planView(located: LocatedRegion, contextScale: number, size: ImageSize, policy: CropPolicy): PlannedView {
  const { regionIndex, region, box } = located;
  const { pixelBox, pictureTooSmall } = growBox(box, contextScale, size, policy);
  const crop = { width: pixelBox.right - pixelBox.left, height: pixelBox.bottom - pixelBox.top };
  const output = outputSize(crop, policy.output);
  const notes: readonly ViewNote[] = pictureTooSmall ? [...located.notes, "picture-too-small"] : located.notes;
  return {
    size: output,
    provenance: {
      regionIndex,
      label: region.label,
      requestedBox: region.box,
      space: region.space,
      regionBox: box,
      pixelBox,
      contextScale,
      scale: { x: output.width / crop.width, y: output.height / crop.height },
      areaShare: boxArea(box) / (size.width * size.height),
      notes,
    },
  };
}

function checkPictureSize({ width, height }: ImageSize): void {
  if (Number.isInteger(width) && Number.isInteger(height) && width > 0 && height > 0) return;
  throw new ImagineOpdError("invalid-argument", {
    where: "region-cropper.planViews",
    problem: `the picture's sides must be positive integers, got ${width} x ${height}.`,
    details: { width, height },
  });
}

/**
 * Decides every view without touching a pixel: which regions, which boxes, how large. `cropRegions` cuts exactly these.
 *
 * @param size the picture, in pixels
 * @throws invalid-argument for options that cannot be met, a space that is none, or `resized-pixel` without `resizedSize`
 */
export function planViews(
  size: ImageSize,
  regions: readonly Region[],
  options: CropOptions = {},
): { readonly views: readonly PlannedView[]; readonly dropped: readonly DroppedRegion[] } {
  checkPictureSize(size);
  const policy = cropPolicy(options);
  const { maxViews, tokenBudget, contextScales } = policy;
  const selected = selectRegions(regions, size, policy);
  const dropped = [...selected.dropped];
  const views: PlannedView[] = [];
  let tokensLeft = tokenBudget?.total ?? 0;
  for (const located of selected.located) {
    for (const contextScale of contextScales) {
      const view = planView(located, contextScale, size, policy);
      const tokens = tokenBudget?.countTokens(view.size) ?? 0;
      if (maxViews !== "all" && views.length >= maxViews) {
        dropped.push(dropRegion(located, "over-max-views", { contextScale }));
      } else if (tokens > tokensLeft) {
        dropped.push(dropRegion(located, "over-token-budget", { contextScale }));
      } else {
        views.push(view);
        tokensLeft -= tokens;
      }
    }
  }
  return { views, dropped };
}
