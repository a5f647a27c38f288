import { describe, expect, it } from "vitest";
import { boundedSize, boundImageArea } from "./bounded-size.ts";

const bounds = { minArea: 262_144, maxArea: 4_194_304 };

describe("boundedSize", () => {
  it.each([
    [
      { width: 60, height: 40 },
      { width: 627, height: 418 },
    ], // √(262144 / 2400) = 10.4512
    [
      { width: 512, height: 512 },
      { width: 512, height: 512 },
    ],
    [
      { width: 1000, height: 600 },
      { width: 1000, height: 600 },
    ],
    [
      { width: 4096, height: 4096 },
      { width: 2048, height: 2048 },
    ],
    [
      { width: 4000, height: 3000 },
      { width: 2364, height: 1773 },
    ], // √(4194304 / 12000000) = 0.591207
  ])("%o becomes %o", (size, expected) => {
    expect(boundedSize(size, bounds)).toEqual(expected);
  });

  it("never loses a side", () => {
    expect(boundedSize({ width: 1, height: 10_000 }, { minArea: 1, maxArea: 100 })).toEqual({ width: 1, height: 1000 });
  });

  it("refuses bounds that exclude each other", () => {
    expect(() => boundedSize({ width: 1, height: 1 }, { minArea: 5, maxArea: 4 })).toThrow("0 < minArea <= maxArea");
    expect(() => boundedSize({ width: 1, height: 1 }, { minArea: 0, maxArea: 4 })).toThrow("got minArea 0");
  });
});

describe("boundImageArea", () => {
  it("resizes the picture to its bounded size", () => {
    const image = { width: 2, height: 1, data: Uint8Array.of(9, 9, 9, 9, 9, 9) };
    const enlarged = boundImageArea(image, { minArea: 8, maxArea: 8 });
    expect(enlarged).toEqual({ width: 4, height: 2, data: new Uint8Array(24).fill(9) });
    expect(boundImageArea(image, { minArea: 1, maxArea: 8 })).toEqual(image);
  });
});
