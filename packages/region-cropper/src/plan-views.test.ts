import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { BoxNumbers, CoordinateSpace } from "./coordinate-space.ts";
import type { CropOptions } from "./crop-options.ts";
import type { Region } from "./evidence-view.ts";
import { planViews } from "./plan-views.ts";

const size = { width: 1000, height: 500 };

function pixel(...box: BoxNumbers): Region {
  return { box, space: "pixel" };
}

function indices(regions: readonly Region[], options: CropOptions): number[] {
  return planViews(size, regions, options).views.map(({ provenance }) => provenance.regionIndex);
}

describe("planViews", () => {
  it("pads by a tenth and zooms to the least area by default", () => {
    const { views, dropped } = planViews(size, [{ box: [100, 100, 150, 130], space: "pixel", label: "sign" }]);
    expect(dropped).toEqual([]);
    expect(views).toEqual([
      {
        size: { width: 660, height: 396 }, // √(262144 / (60 * 36)) = 11.0165
        provenance: {
          regionIndex: 0,
          label: "sign",
          requestedBox: [100, 100, 150, 130],
          space: "pixel",
          regionBox: { left: 100, top: 100, right: 150, bottom: 130 },
          pixelBox: { left: 95, top: 97, right: 155, bottom: 133 },
          contextScale: 1,
          scale: { x: 11, y: 11 },
          areaShare: 0.003,
          notes: [],
        },
      },
    ]);
  });

  it("drops what has no place and says why", () => {
    const regions = [
      pixel(0, 0, Number.NaN, 10),
      pixel(5, 5, 5, 10),
      pixel(1000, 0, 1010, 10),
      pixel(10, 10, 50, 50),
      pixel(-20, -20, -10, 700),
    ];
    const { views, dropped } = planViews(size, regions);
    expect(views.map(({ provenance }) => provenance.regionIndex)).toEqual([3]);
    expect(dropped.map(({ regionIndex, reason }) => [regionIndex, reason])).toEqual([
      [0, "non-finite"],
      [1, "empty"],
      [2, "outside"],
      [4, "outside"],
    ]);
    expect(dropped[1]!.requestedBox).toEqual([5, 5, 5, 10]);
  });

  it("sorts swapped corners and cuts at the edges, and notes both", () => {
    const { views } = planViews(size, [pixel(1100, 40, 900, -40)], { padding: 0 });
    expect(views[0]!.provenance).toMatchObject({
      regionBox: { left: 900, top: 0, right: 1000, bottom: 40 },
      notes: ["corners-swapped", "clamped"],
    });
  });

  it("drops near-duplicates for the first one", () => {
    const regions = [pixel(0, 0, 100, 100), pixel(0, 0, 100, 95), pixel(0, 0, 100, 85)];
    const { views, dropped } = planViews(size, regions);
    expect(views.map(({ provenance }) => provenance.regionIndex)).toEqual([0, 2]); // IoU 0.95 and 0.85
    expect(dropped).toMatchObject([{ regionIndex: 1, reason: "duplicate", keptIndex: 0 }]);
    expect(indices(regions, { dedupeIou: "off" })).toEqual([0, 1, 2]);
  });

  it("merges overlapping regions until none overlap", () => {
    // IoU of 3 with 0: 60/210, with 1: 25/75. Their enclosing box, 60 to 135, meets 0 by 75/210. 2 meets none by 0.3.
    const regions = [pixel(0, 0, 210, 10), pixel(60, 0, 100, 10), pixel(110, 0, 150, 10), pixel(75, 0, 135, 10)];
    const { views, dropped } = planViews(size, regions, { mergeIou: 0.3, padding: 0, minSide: 1 });
    expect(views.map(({ provenance }) => [provenance.regionIndex, provenance.notes])).toEqual([
      [0, ["merged"]],
      [2, []],
    ]);
    expect(views[0]!.provenance).toMatchObject({
      regionBox: { left: 0, top: 0, right: 210, bottom: 10 },
      areaShare: 2100 / 500_000,
    });
    expect(dropped.map(({ regionIndex, reason, keptIndex }) => [regionIndex, reason, keptIndex])).toEqual([
      [1, "merged", 0],
      [3, "merged", 0],
    ]);
  });

  it("keeps the data set's order, or reads line by line", () => {
    const regions = [pixel(600, 210, 700, 300), pixel(300, 5, 400, 95), pixel(0, 200, 100, 300), pixel(0, 0, 100, 100)];
    expect(indices(regions, {})).toEqual([0, 1, 2, 3]);
    expect(indices(regions, { order: "reading" })).toEqual([3, 1, 2, 0]);
  });

  it("stops at four views, or where it is told", () => {
    const regions = Array.from({ length: 6 }, (_, i) => pixel(100 * i, 0, 100 * i + 50, 50));
    const { views, dropped } = planViews(size, regions);
    expect(views).toHaveLength(4);
    expect(dropped.map(({ regionIndex, reason }) => [regionIndex, reason])).toEqual([
      [4, "over-max-views"],
      [5, "over-max-views"],
    ]);
    expect(indices(regions, { maxViews: "all" })).toHaveLength(6);
  });

  it("climbs the context ladder for each region", () => {
    const { views, dropped } = planViews(size, [pixel(400, 200, 500, 240), pixel(0, 0, 50, 50)], {
      contextScales: [1, 1.5, 3],
      padding: 0,
    });
    expect(views.map(({ provenance }) => [provenance.regionIndex, provenance.contextScale])).toEqual([
      [0, 1],
      [0, 1.5],
      [0, 3],
      [1, 1],
    ]);
    expect(views[2]!.provenance.pixelBox).toEqual({ left: 300, top: 160, right: 600, bottom: 280 });
    expect(dropped).toMatchObject([
      { regionIndex: 1, reason: "over-max-views", contextScale: 1.5 },
      { regionIndex: 1, reason: "over-max-views", contextScale: 3 },
    ]);
  });

  it("spends a token budget in order and lets a smaller view through behind a larger one", () => {
    const regions = [pixel(0, 0, 100, 100), pixel(200, 0, 400, 200), pixel(500, 0, 600, 100)];
    const budget: CropOptions = {
      padding: 0,
      output: { kind: "area", minArea: 1, maxArea: 1e9 },
      tokenBudget: { total: 25, countTokens: ({ width, height }) => (width * height) / 1000 },
    };
    const { views, dropped } = planViews(size, regions, budget);
    expect(views.map(({ provenance }) => provenance.regionIndex)).toEqual([0, 2]); // 10, 40, 10 tokens
    expect(dropped).toMatchObject([{ regionIndex: 1, reason: "over-token-budget", contextScale: 1 }]);
  });

  it("gives a fixed size, and notes where a square does not fit", () => {
    const output = { kind: "fixed", width: 512, height: 512 } as const;
    const regions = [pixel(0, 0, 64, 32), pixel(100, 0, 900, 100)];
    const { views } = planViews(size, regions, { shape: "square", padding: 0, output });
    expect(views[0]).toMatchObject({
      size: { width: 512, height: 512 },
      provenance: { scale: { x: 8, y: 8 }, notes: [] },
    });
    expect(views[1]!.provenance.pixelBox).toEqual({ left: 100, top: 0, right: 900, bottom: 500 });
    expect(views[1]!.provenance).toMatchObject({ scale: { x: 0.64, y: 1.024 }, notes: ["picture-too-small"] });
  });

  it("gives nothing for nothing", () => {
    expect(planViews(size, [])).toEqual({ views: [], dropped: [] });
  });

  it("accounts for every region exactly once", () => {
    const number = fc.oneof(fc.integer({ min: -200, max: 1200 }), fc.constantFrom(Number.NaN, Infinity));
    const space = fc.constantFrom<CoordinateSpace>("pixel", "xywh-pixel", "norm1000", "yxyx1000");
    const region = fc.record({ box: fc.tuple(number, number, number, number), space });
    const iou = fc.constantFrom(0.1, 0.5, "off" as const);
    fc.assert(
      fc.property(
        fc.array(region, { maxLength: 12 }),
        iou,
        iou,
        fc.constantFrom(3, "all" as const),
        (regions, a, b, maxViews) => {
          const { views, dropped } = planViews(size, regions, { dedupeIou: a, mergeIou: b, maxViews });
          const seen = [...views.map(({ provenance }) => provenance.regionIndex), ...dropped.map((d) => d.regionIndex)];
          expect(seen.sort((x, y) => x - y)).toEqual(regions.map((_, i) => i));
        },
      ),
      { numRuns: 200 },
    );
  });

  it.each<[CropOptions, string]>([
    [{ padding: -0.1 }, "`padding` must be a share of the box's side, 0 or more, got -0.1."],
    [{ shape: "round" as "box" }, "`shape` must be"],
    [{ minSide: 0 }, "`minSide` must be"],
    [{ maxAspect: 0.5 }, "`maxAspect` must be"],
    [{ output: { kind: "area", minArea: 2, maxArea: 1 } }, "`output` must be"],
    [{ output: { kind: "fixed", width: 2.5, height: 1 } }, "`output` must be"],
    [{ contextScales: [] }, "`contextScales` must be"],
    [{ contextScales: [0.5] }, "`contextScales` must be"],
    [{ dedupeIou: 0 }, "`dedupeIou` must be"],
    [{ mergeIou: 1.1 }, "`mergeIou` must be"],
    [{ order: "random" as "reading" }, "`order` must be"],
    [{ maxViews: 0 }, "`maxViews` must be"],
  ])("refuses %o", (options, message) => {
    expect(() => planViews(size, [], options)).toThrow(`region-cropper.cropRegions: ${message}`);
  });

  it("refuses a picture without a size", () => {
    expect(() => planViews({ width: 0, height: 5 }, [])).toThrow("positive integers, got 0 x 5");
  });

  it("plans views of a picture of 20 000 pixels a side, and of boxes from one pixel to all of it", () => {
    const size = { width: 20_000, height: 20_000 };
    const whole = { box: [0, 0, 20_000, 20_000], space: "pixel" } as const;
    const pixel = { box: [19_999, 19_999, 20_000, 20_000], space: "pixel" } as const;
    const { views, dropped } = planViews(size, [whole, pixel]);
    expect(dropped).toEqual([]);
    expect(views.map(({ provenance }) => provenance.pixelBox)).toEqual([
      { left: 0, top: 0, right: 20_000, bottom: 20_000 },
      { left: 19_972, top: 19_972, right: 20_000, bottom: 20_000 },
    ]);
    expect(views.map(({ size: { width, height } }) => [width, height])).toEqual([
      [2048, 2048],
      [512, 512],
    ]);
  });
});
