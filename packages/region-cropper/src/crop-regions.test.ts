import { cropImage, resizeImage } from "@imagine-opd/image-resize";
import type { RgbImage } from "@imagine-opd/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cropRegions } from "./crop-regions.ts";
import { toImageBox, toViewBox } from "./view-coordinates.ts";

const width = 60;
const height = 40;
const image: RgbImage = {
  width,
  height,
  data: Uint8Array.from({ length: 3 * width * height }, (_, i) => Math.imul(i, 2654435761) >>> 24),
};
const output = { kind: "area", minArea: 400, maxArea: 900 } as const;

describe("cropRegions", () => {
  it("gives the pixels of a crop followed by a resize", () => {
    const { views } = cropRegions(image, [{ box: [20, 10, 30, 20], space: "pixel" }], {
      padding: 0,
      minSide: 1,
      output,
    });
    const crop = cropImage(image, { left: 20, top: 10, right: 30, bottom: 20 });
    expect(views[0]!.image).toEqual(resizeImage(crop, { width: 20, height: 20 }, { filter: "bicubic" }));
  });

  it("sees no pixel outside the crop", () => {
    const region = { box: [20, 10, 30, 20], space: "pixel" } as const;
    const other: RgbImage = { ...image, data: image.data.slice() };
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        if (x < 19 || x >= 31 || y < 9 || y >= 21) other.data.fill(255, 3 * (y * width + x), 3 * (y * width + x) + 3);
      }
    }
    const [a, b] = [image, other].map((picture) => cropRegions(picture, [region], { minSide: 1, output }).views[0]!);
    expect(a!.provenance.pixelBox).toEqual({ left: 19, top: 9, right: 31, bottom: 21 });
    expect(a!.image).toEqual(b!.image);
  });

  it("makes views that do not share memory with the picture", () => {
    const whole = cropRegions(image, [{ box: [0, 0, 1, 1], space: "unit" }], { output: { ...output, maxArea: 1e6 } });
    expect(whole.views[0]!.image).toEqual(image);
    expect(whole.views[0]!.image.data.buffer).not.toBe(image.data.buffer);
  });

  it("takes the filter it is told", () => {
    const region = { box: [20, 10, 30, 20], space: "pixel" } as const;
    const [cubic, linear] = (["bicubic", "bilinear"] as const).map(
      (filter) => cropRegions(image, [region], { filter, output, minSide: 1 }).views[0]!.image,
    );
    expect(cubic!.data).not.toEqual(linear!.data);
  });

  it("refuses bytes that do not match the sides", () => {
    const broken = { ...image, data: image.data.subarray(3) };
    expect(() => cropRegions(broken, [{ box: [0, 0, 1, 1], space: "unit" }])).toThrow("needs 7200 RGB bytes, got 7197");
  });
});

describe("toImageBox and toViewBox", () => {
  const { views } = cropRegions(image, [{ box: [20, 10, 30, 20], space: "pixel" }], { padding: 0, minSide: 1, output });
  const { provenance } = views[0]!;

  it("take the whole view to the cropped box, at the view's scale", () => {
    expect(provenance.scale).toEqual({ x: 2, y: 2 });
    expect(toImageBox({ left: 0, top: 0, right: 20, bottom: 20 }, provenance)).toEqual(provenance.pixelBox);
    expect(toViewBox({ left: 21, top: 10, right: 25, bottom: 12 }, provenance)).toEqual({
      left: 2,
      top: 0,
      right: 10,
      bottom: 4,
    });
  });

  it("undo each other", () => {
    const coordinate = fc.double({ min: 0, max: 1000, noNaN: true });
    const box = fc.record({ left: coordinate, top: coordinate, right: coordinate, bottom: coordinate });
    const scale = fc.double({ min: 0.01, max: 50, noNaN: true });
    fc.assert(
      fc.property(box, box, scale, scale, (pixelBox, given, x, y) => {
        const frame = { pixelBox, scale: { x, y } };
        const back = toImageBox(toViewBox(given, frame), frame);
        for (const edge of ["left", "top", "right", "bottom"] as const) expect(back[edge]).toBeCloseTo(given[edge], 8);
      }),
    );
  });
});
