import { cropImage, type ResizeFilter, resizeImage } from "@imagine-opd/image-resize";
import { ImagineOpdError, type RegionBox, type RgbImage } from "@imagine-opd/protocol";
import { type RandomStream, randomStream } from "@imagine-opd/random-streams";
import { boxArea, sharedArea } from "./box-overlap.ts";
import type { EvidenceView } from "./evidence-view.ts";

/**
 * What stands in place of the evidence views, to see whether their content matters.
 *
 * - `shuffled`: views of another record
 * - `random-box`: crops of the same picture and the same sizes, elsewhere
 * - `blank`: uniform grey of the same sizes
 * - `noise`: independent uniform bytes, of the same sizes
 * - `none`: no view
 */
export type ViewControl = "shuffled" | "random-box" | "blank" | "noise" | "none";

/** A picture that stands in place of an evidence view. */
export interface ControlView {
  readonly image: RgbImage;
  readonly control: Exclude<ViewControl, "none">;
  /** The pixels that were cropped, for `random-box`. */
  readonly pixelBox?: RegionBox;
  /** Largest share of an annotated region that the crop still shows, 0 to 1, for `random-box`. Above 0 where no place was free. */
  readonly evidenceShare?: number;
  /** Index into `donors`, for `shuffled`. */
  readonly donorIndex?: number;
}

/** What decides the stand-ins of one record. */
export interface ControlOptions {
  /** Integer. */
  readonly seed: number;
  /** Part of the random key. */
  readonly recordId: string;
  /** The record's picture, the one that the views were cut from. */
  readonly image: RgbImage;
  /** Views of another record, for `shuffled`. */
  readonly donors?: readonly RgbImage[];
  /** Of `random-box`. @default "bicubic" */
  readonly filter?: ResizeFilter;
}

/** Places that are tried before the one that shows least of the evidence is taken. */
const placesTried = 32;

/** Mid grey. Not the view's mean colour: that would still answer questions about colour. */
const blankLevel = 128;

/** A whole number out of `0 ... count - 1`, another than `index`: the record whose views stand in for record `index`. */
export function chooseDonor(
  index: number,
  count: number,
  key: { readonly seed: number; readonly recordId: string },
): number {
  if (!Number.isInteger(index) || !Number.isInteger(count) || count < 2 || index < 0 || index >= count) {
    throw new ImagineOpdError("invalid-argument", {
      where: "region-cropper.chooseDonor",
      problem: `another record than \`index\` needs two records and an index among them, got index ${index} of ${count}.`,
      details: { index, count },
    });
  }
  const other = randomStream(key.seed, "view-donor", key.recordId).integer(count - 1);
  return other < index ? other : other + 1;
}

function evidenceShare(box: RegionBox, views: readonly EvidenceView[]): number {
  const shares = views.map(({ provenance: { regionBox } }) => sharedArea(box, regionBox) / boxArea(regionBox));
  return Math.max(...shares);
}

function randomBox(
  view: EvidenceView,
  views: readonly EvidenceView[],
  image: RgbImage,
  stream: RandomStream,
): ControlView {
  const { left, top, right, bottom } = view.provenance.pixelBox;
  const [width, height] = [right - left, bottom - top];
  let best: { box: RegionBox; share: number } | undefined;
  for (let i = 0; i < placesTried && best?.share !== 0; i++) {
    const x = stream.integer(image.width - width + 1);
    const y = stream.integer(image.height - height + 1);
    const box = { left: x, top: y, right: x + width, bottom: y + height };
    const share = evidenceShare(box, views);
    if (best === undefined || share < best.share) best = { box, share };
  }
  return { image: cropImage(image, best!.box), control: "random-box", pixelBox: best!.box, evidenceShare: best!.share };
}

function noiseImage({ width, height }: RgbImage, stream: RandomStream): RgbImage {
  const words = Uint32Array.from({ length: Math.ceil((3 * width * height) / 4) }, () => stream.uint32());
  const data = new Uint8Array(3 * width * height);
  // Shifts, not a view on the words: bytes must not depend on the machine's byte order.
  for (let i = 0; i < data.length; i++) data[i] = words[i >> 2]! >>> (8 * (i & 3));
  return { width, height, data };
}

function neededDonors(donors: readonly RgbImage[] | undefined): readonly RgbImage[] {
  if (donors !== undefined && donors.length > 0) return donors;
  throw new ImagineOpdError("invalid-argument", {
    where: "region-cropper.controlViews",
    problem: "`shuffled` needs `donors`, at least one view of another record, got none.",
    remedy: "Choose another record with `chooseDonor` until it has views.",
  });
}

/**
 * Stand-ins for a record's evidence views, as many as there are views (none for `none`). Equal seed and record id give equal
 * pixels, whatever else is in the batch. `shuffled` goes round the donors from a random one, and leaves their sizes alone.
 *
 * @param views what `cropRegions` gave for `options.image`
 * @throws invalid-argument for `shuffled` without donors, and for a kind that is none
 */
export function controlViews(
  kind: Exclude<ViewControl, "random-box">,
  views: readonly Pick<EvidenceView, "image">[],
  options: ControlOptions,
): readonly ControlView[];
export function controlViews(
  kind: ViewControl,
  views: readonly EvidenceView[],
  options: ControlOptions,
): readonly ControlView[];
export function controlViews(
  kind: ViewControl,
  views: readonly Pick<EvidenceView, "image">[],
  options: ControlOptions,
): readonly ControlView[] {
  const { seed, recordId, image, filter = "bicubic" } = options;
  const streamOf = (viewIndex: number): RandomStream => randomStream(seed, "view-control", kind, recordId, viewIndex);
  switch (kind) {
    case "none":
      return [];
    case "blank":
      return views.map((view) => ({
        image: { ...view.image, data: new Uint8Array(view.image.data.length).fill(blankLevel) },
        control: kind,
      }));
    case "noise":
      return views.map((view, i) => ({ image: noiseImage(view.image, streamOf(i)), control: kind }));
    case "random-box":
      return (views as readonly EvidenceView[]).map((view, i, all) => {
        const control = randomBox(view, all, image, streamOf(i));
        return { ...control, image: resizeImage(control.image, view.image, { filter }) };
      });
    case "shuffled": {
      const donors = neededDonors(options.donors);
      const first = streamOf(0).integer(donors.length);
      return views.map((_, i) => {
        const donorIndex = (first + i) % donors.length;
        return { image: donors[donorIndex]!, control: kind, donorIndex };
      });
    }
    default:
      throw new ImagineOpdError("invalid-argument", {
        where: "region-cropper.controlViews",
        problem: `\`kind\` must be one of shuffled, random-box, blank, noise, none, got ${kind}.`,
        details: { kind },
      });
  }
}
