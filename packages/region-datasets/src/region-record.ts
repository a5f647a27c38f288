/**
 * How the four numbers of a box are meant. Always written down, never guessed.
 *
 * - `pixel`: left, top, right, bottom in pixels of the stored raster
 * - `xywh-pixel`: left, top, width, height in pixels
 * - `unit`: left, top, right, bottom, each 0 to 1 of its axis
 * - `norm1000`: the same, 0 to 1000
 * - `yxyx1000`: top, left, bottom, right, 0 to 1000
 * - `resized-pixel`: left, top, right, bottom in pixels of the picture as a processor resized it
 */
export type CoordinateSpace = "pixel" | "xywh-pixel" | "unit" | "norm1000" | "yxyx1000" | "resized-pixel";

/** A picture that a record names; reading it is the caller's. */
export interface ImageReference {
  /** Path or address exactly as the data set writes it. */
  readonly ref: string;
  /** Pixels; absent when the data set does not say. */
  readonly width?: number;
  /** Pixels; absent when the data set does not say. */
  readonly height?: number;
  readonly sha256?: string;
}

/** An annotated rectangle on one of the record's pictures. */
export interface Region {
  /** Index into `RegionRecord.images`. */
  readonly image: number;
  readonly box: readonly [number, number, number, number];
  readonly space: CoordinateSpace;
  readonly label?: string;
}

/** The labelled answer of a record. */
export interface RecordAnswer {
  readonly text: string;
  /** Letter of the right option, for multiple choice. */
  readonly key?: string;
  /** Other texts that are right as well. */
  readonly aliases?: readonly string[];
}

/** A crop that the data set ships ready-made. */
export interface PrecomputedView {
  readonly ref: string;
  /** Index into `RegionRecord.regions`. */
  readonly region?: number;
  readonly origin: "precomputed";
}

/** Why a box was left out. `outside`: no part of it lies on the picture. */
export type BoxFault = "empty" | "non-finite" | "outside";

/** A box that a reader left out of a record. */
export interface DroppedRegion {
  /** The numbers as they stand in the data set; `null` where it has no number. */
  readonly box: readonly (number | null)[];
  readonly reason: BoxFault;
}

/** One question about pictures with annotated regions: what every reader turns its data set into. Plain JSON. */
export interface RegionRecord {
  /** Unique within one file of the data set; ends in the row's line number. */
  readonly id: string;
  readonly source: string;
  readonly split?: string;
  readonly images: readonly ImageReference[];
  /** Without image markers. */
  readonly question: string;
  /** The options of a multiple-choice question, else `null`. */
  readonly choices: readonly { readonly key: string; readonly text: string }[] | null;
  /** Absent when the data set has none: it is never invented. */
  readonly answer?: RecordAnswer;
  /** A worked solution that ends in the answer. Absent when the data set has none. */
  readonly solution?: string;
  readonly regions: readonly Region[];
  readonly views?: readonly PrecomputedView[];
  /** Group for reports. */
  readonly category?: string;
  readonly meta: {
    readonly dropped: readonly DroppedRegion[];
    /** Fields of the row that have no place above. */
    readonly raw: Readonly<Record<string, unknown>>;
  };
}
