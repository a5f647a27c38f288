import type { RgbImage } from "@imagine-opd/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ResizeFilter } from "./resize-filter.ts";
import { resizeImage } from "./resize-image.ts";

/** A picture whose three channels are v, 255 - v and 0. */
function picture(width: number, height: number, values: readonly number[]): RgbImage {
  return { width, height, data: Uint8Array.from(values.flatMap((v) => [v, 255 - v, 0])) };
}

function channel(image: RgbImage, index: number): number[] {
  return [...image.data].filter((_, i) => i % 3 === index);
}

const filters = fc.constantFrom<ResizeFilter>("bilinear", "bicubic", "lanczos");

describe("resizeImage", () => {
  it("halves a row with triangle weights 3, 3, 1 over 7", () => {
    const result = resizeImage(picture(4, 1, [0, 70, 140, 210]), { width: 2, height: 1 }, { filter: "bilinear" });
    expect(channel(result, 0)).toEqual([50, 160]); // (3*70 + 140) / 7, (70 + 3*140 + 3*210) / 7
    expect(channel(result, 1)).toEqual([205, 95]);
    expect(channel(result, 2)).toEqual([0, 0]);
  });

  it("does along columns what it does along rows", () => {
    const values = [3, 250, 17, 90, 200, 41, 5];
    const row = resizeImage(picture(7, 1, values), { width: 3, height: 1 }, { filter: "lanczos" });
    const column = resizeImage(picture(1, 7, values), { width: 1, height: 3 }, { filter: "lanczos" });
    expect([...column.data]).toEqual([...row.data]);
    expect(column).toMatchObject({ width: 1, height: 3 });
  });

  it("clamps the overshoot of the cubic", () => {
    const result = resizeImage(picture(4, 1, [0, 0, 255, 255]), { width: 8, height: 1 }, { filter: "bicubic" });
    // Overshoot left and right of the edge is cut to 0 and 255; a quarter sample off the edge, 255 * 29/128 and its mirror.
    expect(channel(result, 0)).toEqual([0, 0, 0, 52, 203, 255, 255, 255]);
  });

  it("rounds to bytes between the two passes, rows first", () => {
    const image = picture(2, 2, [0, 1, 1, 1]);
    // Rows: (0 + 1) / 2 rounds up to 1, so the column pass sees 1, 1.
    expect(channel(resizeImage(image, { width: 1, height: 1 }, { filter: "bilinear" }), 0)).toEqual([1]);
    // Rows first: 0 and 2, then 1. Columns first: 1 and 2, then 2. Exact arithmetic: 1.
    const uneven = picture(2, 2, [0, 0, 1, 3]);
    expect(channel(resizeImage(uneven, { width: 1, height: 1 }, { filter: "bilinear" }), 0)).toEqual([1]);
  });

  it("takes the columns first when the picture is more than 100 times taller than wide and shrinks in height", () => {
    const filter = "lanczos";
    const alternating = (height: number): RgbImage =>
      picture(
        2,
        height,
        Array.from({ length: 2 * height }, (_, i) => (Math.imul(i, 2654435761) >>> 31) * 255),
      );
    const inOneStep = (image: RgbImage): Uint8Array => resizeImage(image, { width: 5, height: 90 }, { filter }).data;
    const rowsFirst = (image: RgbImage): Uint8Array => {
      const wide = resizeImage(image, { width: 5, height: image.height }, { filter });
      return resizeImage(wide, { width: 5, height: 90 }, { filter }).data;
    };
    const columnsFirst = (image: RgbImage): Uint8Array => {
      const low = resizeImage(image, { width: 2, height: 90 }, { filter });
      return resizeImage(low, { width: 5, height: 90 }, { filter }).data;
    };
    const [tall, lower] = [alternating(201), alternating(200)];
    expect(rowsFirst(tall)).not.toEqual(columnsFirst(tall));
    expect(inOneStep(tall)).toEqual(columnsFirst(tall));
    expect(rowsFirst(lower)).not.toEqual(columnsFirst(lower));
    expect(inOneStep(lower)).toEqual(rowsFirst(lower));
  });

  it("copies when nothing changes", () => {
    const image = picture(2, 1, [9, 8]);
    const copy = resizeImage(image, { width: 2, height: 1 }, { filter: "bicubic" });
    expect(copy).toEqual(image);
    expect(copy.data).not.toBe(image.data);
  });

  it("keeps a uniform picture uniform at any size", () => {
    const side = fc.integer({ min: 1, max: 40 });
    fc.assert(
      fc.property(side, side, side, side, fc.integer({ min: 0, max: 255 }), filters, (w, h, w2, h2, v, filter) => {
        const image: RgbImage = { width: w, height: h, data: new Uint8Array(3 * w * h).fill(v) };
        const result = resizeImage(image, { width: w2, height: h2 }, { filter });
        expect(result.data.length).toBe(3 * w2 * h2);
        expect(result.data.every((byte) => byte === v)).toBe(true);
      }),
      { numRuns: 100 },
    );
  });

  it("leaves its argument alone", () => {
    const image = picture(3, 2, [1, 2, 3, 4, 5, 6]);
    const before = image.data.slice();
    resizeImage(image, { width: 5, height: 7 }, { filter: "bicubic" });
    expect(image.data).toEqual(before);
  });

  it("refuses sides, bytes and filters that cannot be", () => {
    const image = picture(2, 1, [9, 8]);
    const filter = "bicubic";
    expect(() => resizeImage(image, { width: 0, height: 1 }, { filter })).toThrow(
      "image-resize.resizeImage: `size.width` must be a positive integer number of pixels, got 0.",
    );
    expect(() => resizeImage(image, { width: 2, height: 1.5 }, { filter })).toThrow("`size.height`");
    expect(() => resizeImage({ ...image, width: 3 }, { width: 2, height: 2 }, { filter })).toThrow(
      "a picture of 3 x 1 pixels needs 9 RGB bytes, got 6.",
    );
    expect(() => resizeImage(image, { width: 2, height: 2 }, { filter: "toString" as ResizeFilter })).toThrow(
      "`filter` must be one of bilinear, bicubic, lanczos, got toString.",
    );
  });
});
