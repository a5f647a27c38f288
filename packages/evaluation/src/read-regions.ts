import type { CoordinateSpace, Region } from "@imagine-opd/region-cropper";

/**
 * How a model says where to look. Stated, never guessed.
 *
 * - `cells`: by a row's word and a column's word behind it, of a grid over the whole picture
 * - `box`: by four numbers in brackets, `[a, b, c, d]` or `(a, b), (c, d)`, meant in this space
 */
export type ZoomWords =
  | {
      readonly kind: "cells";
      /** Names of the rows from the top. */
      readonly rows: readonly string[];
      /** Names of the columns from the left. */
      readonly columns: readonly string[];
    }
  | { readonly kind: "box"; readonly space: Exclude<CoordinateSpace, "resized-pixel"> };

const number = String.raw`\s*(-?\d+(?:\.\d+)?)\s*`;
const boxPattern = new RegExp(String.raw`[\[(]${number},${number}(?:,|\)\s*,\s*\()${number},${number}[\])]`, "g");

/** The regions that a completion names, in its order, each once; empty when it names none. */
export function readRegions(text: string, words: ZoomWords): Region[] {
  const regions = words.kind === "cells" ? readCells(text, words) : readBoxes(text, words);
  return regions.filter(({ box }, i) => regions.findIndex((other) => other.box.join() === box.join()) === i);
}

function readCells(text: string, { rows, columns }: ZoomWords & { kind: "cells" }): Region[] {
  const oneOf = (names: readonly string[]) => `(${names.map((name) => name.replace(/\W/g, "\\$&")).join("|")})`;
  const pattern = new RegExp(String.raw`\b${oneOf(rows)}\s+${oneOf(columns)}\b`, "gi");
  const place = (names: readonly string[], name: string) =>
    names.findIndex((known) => known.toLowerCase() === name.toLowerCase());
  return [...text.matchAll(pattern)].map((match) => {
    const [row, column] = [place(rows, match[1]!), place(columns, match[2]!)];
    const [height, width] = [1 / rows.length, 1 / columns.length];
    return {
      box: [column * width, row * height, (column + 1) * width, (row + 1) * height],
      space: "unit",
      label: match[0],
    };
  });
}

function readBoxes(text: string, { space }: ZoomWords & { kind: "box" }): Region[] {
  return [...text.matchAll(boxPattern)].map(([label, ...numbers]) => {
    const [a, b, c, d] = numbers.map(Number) as [number, number, number, number];
    return { box: [a, b, c, d], space, label };
  });
}
