import { describe, expect, it } from "vitest";
import type { BoxNumbers } from "./coordinate-space.ts";
import { orientBox } from "./orient-box.ts";

/** Stored raster of 6 x 4 pixels; one box covers its left column's upper two pixels. */
const box: BoxNumbers = [0, 0, 1, 2];

describe("orientBox", () => {
  // Row 0 and column 0 of the raster are, for 1: top left, 2: top right, 3: bottom right, 4: bottom left,
  // 5: left top, 6: right top, 7: right bottom, 8: left bottom.
  it.each<[number, BoxNumbers]>([
    [1, [0, 0, 1, 2]],
    [2, [5, 0, 6, 2]],
    [3, [5, 2, 6, 4]],
    [4, [0, 2, 1, 4]],
    [5, [0, 0, 2, 1]],
    [6, [2, 0, 4, 1]],
    [7, [2, 5, 4, 6]],
    [8, [0, 5, 2, 6]],
  ])("orientation %i", (orientation, expected) => {
    const upright = orientation < 5 ? { width: 6, height: 4 } : { width: 4, height: 6 };
    expect(orientBox(box, orientation, upright)).toEqual(expected);
  });

  it("hands on what is not finite, to be dropped and counted later", () => {
    expect(orientBox([Number.NaN, 0, 1, 2], 2, { width: 6, height: 4 })[0]).toBeNaN();
  });

  it.each([0, 9, 1.5])("refuses orientation %d", (orientation) => {
    expect(() => orientBox(box, orientation, { width: 6, height: 4 })).toThrow("an EXIF orientation from 1 to 8");
  });
});
