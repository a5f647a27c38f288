import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type BoxNumbers, type CoordinateSpace, toPixelBox } from "./coordinate-space.ts";

const size = { width: 400, height: 200 };
const resized = { width: 800, height: 100 };

describe("toPixelBox", () => {
  // The same rectangle, 40 to 100 across and 20 to 120 down, in every space.
  it.each<[CoordinateSpace, BoxNumbers]>([
    ["pixel", [40, 20, 100, 120]],
    ["xywh-pixel", [40, 20, 60, 100]],
    ["unit", [0.1, 0.1, 0.25, 0.6]],
    ["norm1000", [100, 100, 250, 600]],
    ["yxyx1000", [100, 100, 600, 250]],
    ["resized-pixel", [80, 10, 200, 60]],
  ])("reads %s", (space, box) => {
    expect(toPixelBox(box, space, size, resized)).toEqual([40, 20, 100, 120]);
  });

  it("never guesses: small numbers in pixels stay pixels", () => {
    expect(toPixelBox([0, 0, 1, 1], "pixel", size)).toEqual([0, 0, 1, 1]);
  });

  it("takes the whole picture to the whole picture in every space", () => {
    const side = fc.integer({ min: 1, max: 10_000 });
    fc.assert(
      fc.property(side, side, (width, height) => {
        const whole = [0, 0, width, height];
        expect(toPixelBox([0, 0, 1, 1], "unit", { width, height })).toEqual(whole);
        expect(toPixelBox([0, 0, 1000, 1000], "norm1000", { width, height })).toEqual(whole);
        expect(toPixelBox([0, 0, 1000, 1000], "yxyx1000", { width, height })).toEqual(whole);
        expect(toPixelBox([0, 0, 800, 100], "resized-pixel", { width, height }, resized)).toEqual(whole);
      }),
    );
  });

  it("asks for the resized size and for a known space", () => {
    expect(() => toPixelBox([0, 0, 1, 1], "resized-pixel", size)).toThrow(
      "region-cropper.toPixelBox: a box in `resized-pixel` needs the size of the resized picture, got undefined.",
    );
    expect(() => toPixelBox([0, 0, 1, 1], "guess" as CoordinateSpace, size)).toThrow("`space` must be one of pixel,");
  });
});
