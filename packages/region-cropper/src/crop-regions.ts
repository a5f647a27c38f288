import { cropImage, resizeImage } from "@imagine-opd/image-resize";
import type { RgbImage } from "@imagine-opd/protocol";
import { type CropOptions, cropPolicy } from "./crop-options.ts";
import type { DroppedRegion, EvidenceView, Region } from "./evidence-view.ts";
import { planViews } from "./plan-views.ts";

/**
 * Cuts annotated regions out of a picture and zooms them, with the provenance of every view.
 *
 * In this order: boxes to pixels, corners sorted, cut to the picture; near-duplicates dropped, overlapping ones merged;
 * padded, grown, rounded outwards; cropped; resized. The resize sees the crop only, never pixels around it.
 *
 * @param image upright pixels; boxes of a stored raster go through `orientBox` first
 * @returns the views, and every region that got none, with its reason
 * @throws invalid-argument as `planViews`, and when the picture's bytes do not match its sides
 */
export function cropRegions(
  image: RgbImage,
  regions: readonly Region[],
  options: CropOptions = {},
): { readonly views: readonly EvidenceView[]; readonly dropped: readonly DroppedRegion[] } {
  const { views, dropped } = planViews(image, regions, options);
  const { filter } = cropPolicy(options);
  return {
    views: views.map(({ provenance, size }) => ({
      image: resizeImage(cropImage(image, provenance.pixelBox), size, { filter }),
      provenance,
    })),
    dropped,
  };
}
