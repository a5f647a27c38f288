import { columnWords, rowWords } from "@imagine-opd/region-datasets";
import { expect, test } from "vitest";
import { chooseZoom, chooseZoomCrop } from "./choose-zoom.ts";

test("scenes are named by their cells, everything else as the option says", () => {
  const cells = { kind: "cells", rows: rowWords, columns: columnWords };
  expect(chooseZoom({ mode: "zoom", format: "scenes" })).toEqual(cells);
  expect(chooseZoom({ mode: "zoom", format: "visual-cot", zoomBy: "cells" })).toEqual(cells);
  expect(chooseZoom({ mode: "zoom", format: "scenes", zoomBy: "norm1000" })).toEqual({
    kind: "box",
    space: "norm1000",
  });
  expect(chooseZoom({ mode: "imagine", format: "scenes" })).toBeUndefined();
});

test("nothing is guessed, and no option is without effect", () => {
  expect(() => chooseZoom({ mode: "zoom", format: "visual-cot" })).toThrow(
    "infer-node.evaluate: --mode zoom needs --zoom-by",
  );
  expect(() => chooseZoom({ mode: "oracle", format: "scenes", zoomBy: "unit" })).toThrow(
    "--zoom-by belongs to --mode zoom, got --mode oracle.",
  );
});

test("a cell is cut without context, a box with it, both to the model's tile", () => {
  const model = { processor: { imageSettings: { splitting: "off", tileSize: 64 } } } as unknown as Parameters<
    typeof chooseZoomCrop
  >[1];
  const output = { kind: "fixed", width: 64, height: 64 };
  expect(chooseZoomCrop({ kind: "cells", rows: rowWords, columns: columnWords }, model)).toMatchObject({
    padding: 0,
    shape: "square",
    output,
    maxViews: 4,
  });
  expect(chooseZoomCrop({ kind: "box", space: "unit" }, model)).toMatchObject({ padding: 0.1, output });
});
