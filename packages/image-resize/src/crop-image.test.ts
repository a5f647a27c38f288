import type { RgbImage } from "@imagine-opd/protocol";
import { describe, expect, it } from "vitest";
import { cropImage } from "./crop-image.ts";

const image: RgbImage = { width: 3, height: 2, data: Uint8Array.from({ length: 18 }, (_, i) => i) };

describe("cropImage", () => {
  it("copies the pixels of the box", () => {
    const crop = cropImage(image, { left: 1, top: 0, right: 3, bottom: 2 });
    expect(crop).toEqual({ width: 2, height: 2, data: Uint8Array.of(3, 4, 5, 6, 7, 8, 12, 13, 14, 15, 16, 17) });
    crop.data[0] = 99;
    expect(image.data[3]).toBe(3);
  });

  it("gives the whole picture for its own box", () => {
    expect(cropImage(image, { left: 0, top: 0, right: 3, bottom: 2 })).toEqual(image);
  });

  it.each([
    ["empty", { left: 1, top: 0, right: 1, bottom: 2 }],
    ["outside", { left: 0, top: 0, right: 4, bottom: 2 }],
    ["negative", { left: -1, top: 0, right: 2, bottom: 2 }],
    ["fractional", { left: 0.5, top: 0, right: 2, bottom: 2 }],
    ["not a number", { left: Number.NaN, top: 0, right: 2, bottom: 2 }],
  ])("refuses a box that is %s", (_, box) => {
    expect(() => cropImage(image, box)).toThrow("`box` must be a non-empty integer box inside 3 x 2 pixels");
  });
});
