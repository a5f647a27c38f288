import { ImagineOpdError } from "@imagine-opd/protocol";
import { cleanBox } from "./clean-box.ts";
import type { BoxFault, DroppedRegion, Region, RegionRecord } from "./region-record.ts";

export interface CheckedRegions {
  /** The record with clamped boxes, without the dropped ones, and with the picture's size filled in. */
  readonly record: RegionRecord;
  /** Boxes that reached beyond the picture. */
  readonly clampedBoxes: number;
  /** Boxes left out, by reason. */
  readonly droppedBoxes: Readonly<Partial<Record<BoxFault, number>>>;
}

/**
 * Checks a record's boxes against the size of the decoded picture, which most data sets state late or not at all.
 * `size` is that of the stored raster in pixels (before an EXIF rotation), because boxes are given for it.
 * @param image index of the picture in `record.images`
 * @throws mismatch when the record states another size: its boxes then belong to another raster
 * @throws unsupported for a region that is not in `pixel` space
 */
export function checkRegions(
  record: RegionRecord,
  size: { readonly width: number; readonly height: number },
  image = 0,
): CheckedRegions {
  const stated = record.images[image];
  if (stated === undefined) throw noSuchImage(record, image);
  if ((stated.width ?? size.width) !== size.width || (stated.height ?? size.height) !== size.height) {
    throw otherSize(record, stated, size);
  }
  const regions: Region[] = [];
  const dropped: DroppedRegion[] = [];
  const droppedBoxes: Partial<Record<BoxFault, number>> = {};
  let clampedBoxes = 0;
  for (const region of record.regions) {
    if (region.image !== image) {
      regions.push(region);
      continue;
    }
    if (region.space !== "pixel") throw otherSpace(record, region);
    const clean = cleanBox(region.box, size);
    if (clean.kind === "kept") {
      regions.push({ ...region, box: clean.box });
      clampedBoxes += clean.clamped ? 1 : 0;
    } else {
      dropped.push({ box: region.box, reason: clean.reason });
      droppedBoxes[clean.reason] = (droppedBoxes[clean.reason] ?? 0) + 1;
    }
  }
  const images = record.images.map((reference, i) => (i === image ? { ...reference, ...size } : reference));
  const meta = { ...record.meta, dropped: [...record.meta.dropped, ...dropped] };
  return { record: { ...record, images, regions, meta }, clampedBoxes, droppedBoxes };
}

function noSuchImage(record: RegionRecord, image: number): ImagineOpdError {
  return new ImagineOpdError("invalid-argument", {
    where: "region-datasets.checkRegions",
    problem: `\`image\` must be an index into the ${record.images.length} pictures of record ${record.id}, got ${image}.`,
  });
}

function otherSize(
  record: RegionRecord,
  stated: { readonly ref: string; readonly width?: number; readonly height?: number },
  size: { readonly width: number; readonly height: number },
): ImagineOpdError {
  const turned = stated.width === size.height && stated.height === size.width;
  return new ImagineOpdError("mismatch", {
    where: "region-datasets.checkRegions",
    problem:
      `record ${record.id} states ${stated.width ?? "?"}x${stated.height ?? "?"} pixels for ${stated.ref}, ` +
      `the decoded picture has ${size.width}x${size.height}.`,
    remedy: turned
      ? "The sizes differ by a quarter turn: pass the size of the stored raster, before its EXIF orientation is applied."
      : "Use the picture that the boxes were drawn on, or scale the boxes and correct the stated size.",
    details: {
      id: record.id,
      ref: stated.ref,
      stated: [stated.width, stated.height],
      decoded: [size.width, size.height],
    },
  });
}

function otherSpace(record: RegionRecord, region: Region): ImagineOpdError {
  return new ImagineOpdError("unsupported", {
    where: "region-datasets.checkRegions",
    problem: `record ${record.id} has a box in the space "${region.space}", only "pixel" boxes can be checked.`,
    remedy: "Convert the box to pixels first.",
  });
}
