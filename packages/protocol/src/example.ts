import type { RgbImage } from "./image.ts";

/** One question about pictures, with the evidence that only the teacher may see. */
export interface Example {
  /** Unique within its data set. */
  readonly id: string;
  readonly images: readonly RgbImage[];
  readonly question: string;
  /** The labelled answer. Absent when the data has none: it is never invented. */
  readonly answer?: string;
  /** A worked solution that ends in the answer, for teachers that are shown one. Absent when the data has none. */
  readonly solution?: string;
  /** Evidence views: zoomed crops of the annotated regions, in the data set's order. Empty when the record has no region. */
  readonly views: readonly RgbImage[];
  /** Group for reports. */
  readonly category?: string;
  /** Share of the image's area that each region covers, 0 to 1, one entry a view. */
  readonly areaShares?: readonly number[];
}

/** Examples by index, loaded when they are needed, so that an epoch's order and a resumed cursor are only numbers. */
export interface ExampleSource {
  readonly size: number;
  /** Hash of what decides the examples: the records, the cropping options. */
  readonly fingerprint: string;
  load(index: number, signal?: AbortSignal): Promise<Example>;
}
