import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { growBox } from "./grow-box.ts";

const tight = { padding: 0, minSide: 1, maxAspect: 100, shape: "box" } as const;
const size = { width: 100, height: 50 };

function box(left: number, top: number, right: number, bottom: number) {
  return { left, top, right, bottom };
}

describe("growBox", () => {
  it("rounds outwards", () => {
    expect(growBox(box(10.2, 5.9, 20.1, 6.1), 1, size, tight).pixelBox).toEqual(box(10, 5, 21, 7));
  });

  it("takes an edge within a millionth of a pixel for the pixel's edge", () => {
    // 0.1 * 70 is 7.000000000000001 in floating point.
    const padded = growBox(box(10, 10, 80, 20), 1, size, { ...tight, padding: 0.1 });
    expect(padded.pixelBox).toEqual(box(3, 9, 87, 21));
  });

  it("pads by the box's own sides and stops at the edges", () => {
    expect(growBox(box(2, 10, 22, 20), 1, size, { ...tight, padding: 0.5 }).pixelBox).toEqual(box(0, 5, 32, 25));
  });

  it("multiplies the sides by the context scale before it pads", () => {
    expect(growBox(box(40, 20, 50, 24), 3, size, tight).pixelBox).toEqual(box(30, 16, 60, 28));
    // 10 * 2 plus a tenth of 20 on each side, 5 * 2 plus a tenth of 10 on each side
    expect(growBox(box(40, 20, 50, 25), 2, size, { ...tight, padding: 0.1 }).pixelBox).toEqual(box(33, 16, 57, 29));
  });

  it("grows to the least side about the centre, shifted to stay inside", () => {
    const options = { ...tight, minSide: 28 };
    expect(growBox(box(50, 20, 60, 30), 1, size, options).pixelBox).toEqual(box(41, 11, 69, 39));
    expect(growBox(box(98, 0, 100, 2), 1, size, options).pixelBox).toEqual(box(72, 0, 100, 28));
  });

  it("grows the short side of a box that is too long", () => {
    expect(growBox(box(0, 20, 100, 21), 1, size, { ...tight, maxAspect: 10 }).pixelBox).toEqual(box(0, 16, 100, 26));
  });

  it("makes a square by context", () => {
    const square = { ...tight, shape: "square" } as const;
    expect(growBox(box(10, 20, 30, 24), 1, size, square)).toEqual({
      pixelBox: box(10, 12, 30, 32),
      pictureTooSmall: false,
    });
    expect(growBox(box(10, 46, 30, 50), 1, size, square).pixelBox).toEqual(box(10, 30, 30, 50));
  });

  it("says so when the picture is too small for the square or the least side", () => {
    const square = growBox(box(10, 20, 90, 24), 1, size, { ...tight, shape: "square" });
    expect(square).toEqual({ pixelBox: box(10, 0, 90, 50), pictureTooSmall: true });
    const wide = growBox(box(10, 20, 12, 24), 1, { width: 100, height: 25 }, { ...tight, minSide: 28 });
    expect(wide).toEqual({ pixelBox: box(0, 0, 28, 25), pictureTooSmall: true });
  });

  it("covers the region, stays inside, keeps least side, aspect and square, or says so", () => {
    const unit = fc.double({ min: 0, max: 1, noNaN: true });
    const side = fc.integer({ min: 1, max: 500 });
    const policy = fc.record({
      padding: fc.double({ min: 0, max: 2, noNaN: true }),
      minSide: fc.integer({ min: 1, max: 60 }),
      maxAspect: fc.integer({ min: 1, max: 100 }),
      shape: fc.constantFrom("box" as const, "square" as const),
    });
    fc.assert(
      fc.property(
        side,
        side,
        unit,
        unit,
        unit,
        unit,
        policy,
        fc.constantFrom(1, 1.5, 3),
        (W, H, a, b, c, d, options, scale) => {
          const region = box(Math.min(a, b) * W, Math.min(c, d) * H, Math.max(a, b) * W, Math.max(c, d) * H);
          fc.pre(region.left < region.right && region.top < region.bottom);
          const { pixelBox, pictureTooSmall } = growBox(region, scale, { width: W, height: H }, options);
          const { left, top, right, bottom } = pixelBox;
          expect([left, top, right, bottom].every(Number.isInteger)).toBe(true);
          expect(left >= 0 && left < right && right <= W && top >= 0 && top < bottom && bottom <= H).toBe(true);
          expect(left - 1e-6 <= region.left && region.right <= right + 1e-6).toBe(true);
          expect(top - 1e-6 <= region.top && region.bottom <= bottom + 1e-6).toBe(true);
          if (pictureTooSmall) return;
          const [long, short] = [Math.max(right - left, bottom - top), Math.min(right - left, bottom - top)];
          expect(short).toBeGreaterThanOrEqual(options.minSide);
          expect(long / short).toBeLessThanOrEqual(options.maxAspect);
          if (options.shape === "square") expect(long).toBe(short);
        },
      ),
      { numRuns: 500 },
    );
  });
});
