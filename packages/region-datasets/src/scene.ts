import type { RegionBox, RgbImage } from "@imagine-opd/protocol";

/** Colours that a sign can have. */
export const signColours = ["red", "orange", "yellow", "green", "cyan", "blue", "purple", "pink"] as const;
/** Shapes that the plate of a sign can have. */
export const signShapes = ["circle", "square", "diamond", "triangle"] as const;
/** Names of the four rows of cells, from the top. */
export const rowWords = ["top", "upper", "lower", "bottom"] as const;
/** Names of the four columns of cells, from the left. */
export const columnWords = ["leftmost", "left", "right", "rightmost"] as const;

/** One of {@link signColours}. */
export type SignColour = (typeof signColours)[number];
/** One of {@link signShapes}. */
export type SignShape = (typeof signShapes)[number];
/** One of {@link rowWords}. */
export type RowWord = (typeof rowWords)[number];
/** One of {@link columnWords}. */
export type ColumnWord = (typeof columnWords)[number];

/**
 * `digit`: what digit is on one sign, named by its colour and shape. `compare`: which of two such signs shows the larger
 * digit; its answer says little of what there is to see.
 */
export const sceneFamilies = ["digit", "compare"] as const;
/** One of {@link sceneFamilies}: what a scene asks about. */
export type SceneFamily = (typeof sceneFamilies)[number];

/** Scenes of different splits never share a random stream, so no scene of one is drawn for another. */
export type SceneSplit = "train" | "validation" | "held-out";

/** One plate with a digit. */
export interface Sign {
  readonly colour: SignColour;
  readonly shape: SignShape;
  /** 0 to 9. */
  readonly digit: number;
  /** Side of one cell of the 5x7 glyph, pixels. */
  readonly glyphScale: number;
  /** The smallest box around every pixel of the plate. */
  readonly box: RegionBox;
  readonly row: RowWord;
  readonly column: ColumnWord;
}

/** A drawn picture with one question about it. */
export interface Scene {
  readonly family: SceneFamily;
  readonly split: SceneSplit;
  readonly seed: number;
  readonly index: number;
  readonly image: RgbImage;
  readonly question: string;
  readonly answer: string;
  /** Boxes of the signs that the question needs, exact to the pixel. */
  readonly boxes: readonly RegionBox[];
  /** The signs that the question needs, in its order. */
  readonly asked: readonly Sign[];
  /** Every sign on the picture. */
  readonly objects: readonly Sign[];
  /** Where the (first) sign of the question is, in words. */
  readonly locate: { readonly row: RowWord; readonly column: ColumnWord };
}

export interface SceneOptions {
  /** @default "digit" */
  readonly family?: SceneFamily;
  /** Part of the random stream's key. @default "train" */
  readonly split?: SceneSplit;
  /** Side of the square picture, pixels; a multiple of 16. @default 256 */
  readonly size?: number;
  /** Smallest and largest side of one cell of the 5x7 glyph, whole pixels. @default [4, 5] */
  readonly glyphScale?: readonly [number, number];
  /** Fewest and most signs, 1 to 8. @default [6, 8] */
  readonly signCount?: readonly [number, number];
  /** Fewest and most background rectangles. @default [5, 10] */
  readonly clutter?: readonly [number, number];
}
