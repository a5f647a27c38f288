import { expect, test } from "vitest";
import { readRegions, type ZoomWords } from "./read-regions.ts";

const cells: ZoomWords = {
  kind: "cells",
  rows: ["top", "upper", "lower", "bottom"],
  columns: ["leftmost", "left", "right", "rightmost"],
};
const boxesOf = (text: string, words: ZoomWords) => readRegions(text, words).map(({ box }) => box);

test("a row's and a column's word are a cell of the grid", () => {
  expect(readRegions("Looking at the lower left , the red circle", cells)).toEqual([
    { box: [0.25, 0.5, 0.5, 0.75], space: "unit", label: "lower left" },
  ]);
  expect(boxesOf("TOP  Leftmost", cells)).toEqual([[0, 0, 0.25, 0.25]]);
  expect(boxesOf("the bottom rightmost", cells)).toEqual([[0.75, 0.75, 1, 1]]);
});

test("several cells come in their order, each once; other words are none", () => {
  expect(boxesOf("the upper right and the top left , again the upper right", cells)).toEqual([
    [0.5, 0.25, 0.75, 0.5],
    [0.25, 0, 0.5, 0.25],
  ]);
  expect(boxesOf("right top, upperleft, stop left, upper leftover", cells)).toEqual([]);
});

test("boxes are four numbers in brackets, in the declared space", () => {
  const words = { kind: "box", space: "norm1000" } as const;
  expect(readRegions("look at [10, 20.5, 300, 400] there", words)).toEqual([
    { box: [10, 20.5, 300, 400], space: "norm1000", label: "[10, 20.5, 300, 400]" },
  ]);
  expect(boxesOf("(1,2),(3,4) and (5, 6, 7, 8)", words)).toEqual([
    [1, 2, 3, 4],
    [5, 6, 7, 8],
  ]);
  expect(boxesOf("[1, 2, 3] and 1, 2, 3, 4", words)).toEqual([]);
});
