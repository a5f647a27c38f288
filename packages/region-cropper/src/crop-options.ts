import type { ImageSize, ResizeFilter } from "@imagine-opd/image-resize";
import { ImagineOpdError } from "@imagine-opd/protocol";
import type { AreaBounds } from "./bounded-size.ts";

const where = "region-cropper.cropRegions";

/**
 * How large a view becomes, which is the zoom.
 *
 * - `area`: scaled with its aspect kept until its area lies in the bounds
 * - `fixed`: resized to exactly this size; a crop of another aspect is distorted
 */
export type ViewOutput = ({ readonly kind: "area" } & AreaBounds) | ({ readonly kind: "fixed" } & ImageSize);

/** A limit on the vision tokens of all views together. */
export interface TokenBudget {
  /** Tokens. */
  readonly total: number;
  /** Tokens that the model spends on a picture of this size. */
  countTokens(size: ImageSize): number;
}

export interface CropOptions {
  /** Context on each side, as a share of the box's own side. @default 0.1 */
  readonly padding?: number;
  /** `square` grows the shorter side by context, never by stretching. @default "box" */
  readonly shape?: "box" | "square";
  /** Smallest side of a crop, in pixels of the picture; smaller ones grow about their centre. @default 28 */
  readonly minSide?: number;
  /** Largest ratio of a crop's sides; the short side grows. @default 100 */
  readonly maxAspect?: number;
  /** @default { kind: "area", minArea: 262144, maxArea: 4194304 } */
  readonly output?: ViewOutput;
  /** @default "bicubic" */
  readonly filter?: ResizeFilter;
  /** Context ladder: one view for each factor on the box's sides, 1 or more. @default [1] */
  readonly contextScales?: readonly number[];
  /** Regions that overlap an earlier one by this IoU or more are dropped. @default 0.9 */
  readonly dedupeIou?: number | "off";
  /** Regions that overlap by this IoU or more become one. @default "off" */
  readonly mergeIou?: number | "off";
  /** `reading`: in lines from top to bottom, each from left to right. @default "data-set" */
  readonly order?: "data-set" | "reading";
  /** Views beyond this many are dropped. @default 4 */
  readonly maxViews?: number | "all";
  /** Views that do not fit in it are dropped, in order; a smaller one behind may still fit. @default no budget */
  readonly tokenBudget?: TokenBudget;
  /** Size of the resized picture; needed for regions in `resized-pixel`. */
  readonly resizedSize?: ImageSize;
}

/** Options with every default in its place. */
export type CropPolicy = Required<Omit<CropOptions, "tokenBudget" | "resizedSize">> &
  Pick<CropOptions, "tokenBudget" | "resizedSize">;

const defaults: CropPolicy = {
  padding: 0.1,
  shape: "box",
  minSide: 28,
  maxAspect: 100,
  output: { kind: "area", minArea: 262_144, maxArea: 4_194_304 },
  filter: "bicubic",
  contextScales: [1],
  dedupeIou: 0.9,
  mergeIou: "off",
  order: "data-set",
  maxViews: 4,
};

function expectOption(holds: boolean, name: keyof CropOptions, expected: string, got: unknown): void {
  if (holds) return;
  throw new ImagineOpdError("invalid-argument", {
    where,
    problem: `\`${name}\` must be ${expected}, got ${typeof got === "object" ? JSON.stringify(got) : String(got)}.`,
    details: { [name]: got },
  });
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && value >= 1;
}

function isOutput(output: ViewOutput): boolean {
  if (output.kind === "fixed") return isCount(output.width) && isCount(output.height);
  return output.kind === "area" && output.minArea > 0 && output.minArea <= output.maxArea;
}

/** The options with defaults. Throws invalid-argument for a value that no view can meet. */
export function cropPolicy(options: CropOptions): CropPolicy {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const policy: CropPolicy = { ...defaults, ...given };
  const { padding, shape, minSide, maxAspect, output, contextScales, dedupeIou, mergeIou, order, maxViews } = policy;
  const isIou = (value: number | "off"): boolean => value === "off" || (value > 0 && value <= 1);
  expectOption(padding >= 0 && padding < Infinity, "padding", "a share of the box's side, 0 or more", padding);
  expectOption(shape === "box" || shape === "square", "shape", '"box" or "square"', shape);
  expectOption(isCount(minSide), "minSide", "a positive integer number of pixels", minSide);
  expectOption(maxAspect >= 1, "maxAspect", "1 or more", maxAspect);
  expectOption(isOutput(output), "output", "positive integer sides, or areas 0 < minArea <= maxArea", output);
  const scalesFit = contextScales.length > 0 && contextScales.every((scale) => scale >= 1 && scale < Infinity);
  expectOption(scalesFit, "contextScales", "one or more factors of at least 1", contextScales);
  expectOption(isIou(dedupeIou), "dedupeIou", '"off" or above 0 and at most 1', dedupeIou);
  expectOption(isIou(mergeIou), "mergeIou", '"off" or above 0 and at most 1', mergeIou);
  expectOption(order === "data-set" || order === "reading", "order", '"data-set" or "reading"', order);
  expectOption(maxViews === "all" || isCount(maxViews), "maxViews", '"all" or a positive integer', maxViews);
  return policy;
}
