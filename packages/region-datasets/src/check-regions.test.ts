import { expect, test } from "vitest";
import { checkRegions } from "./check-regions.ts";
import type { Region, RegionRecord } from "./region-record.ts";

const pixel = (...box: [number, number, number, number]): Region => ({ image: 0, box, space: "pixel" });
const record = (regions: Region[], size: { width?: number; height?: number } = {}): RegionRecord => ({
  id: "r:1",
  source: "test",
  images: [{ ref: "a.jpg", ...size }, { ref: "b.jpg" }],
  question: "What?",
  choices: null,
  regions,
  meta: { dropped: [], raw: {} },
});
const size = { width: 100, height: 80 };

test("boxes are clamped to the decoded picture, and the size is filled in", () => {
  const other: Region = { image: 1, box: [0, 0, 999, 999], space: "pixel" };
  const checked = checkRegions(record([pixel(90, 10, 130, 20), pixel(1, 2, 3, 4), pixel(100, 0, 120, 9), other]), size);
  expect(checked.record.images).toEqual([{ ref: "a.jpg", width: 100, height: 80 }, { ref: "b.jpg" }]);
  expect(checked.record.regions).toEqual([pixel(90, 10, 100, 20), pixel(1, 2, 3, 4), other]);
  expect(checked.record.meta.dropped).toEqual([{ box: [100, 0, 120, 9], reason: "outside" }]);
  expect(checked).toMatchObject({ clampedBoxes: 1, droppedBoxes: { outside: 1 } });
});

test("the record that was passed stays as it was", () => {
  const given = record([pixel(90, 10, 130, 20)]);
  const before = structuredClone(given);
  checkRegions(given, size);
  expect(given).toEqual(before);
});

test("another size than the stated one is an error, which knows a quarter turn", () => {
  expect(() => checkRegions(record([], { width: 50, height: 40 }), size)).toThrow(
    "region-datasets.checkRegions: record r:1 states 50x40 pixels for a.jpg, the decoded picture has 100x80.",
  );
  expect(() => checkRegions(record([], { width: 80, height: 100 }), size)).toThrow("EXIF orientation");
});

test("other spaces and unknown pictures are refused", () => {
  expect(() => checkRegions(record([{ image: 0, box: [0, 0, 1, 1], space: "unit" }]), size)).toThrow(
    'the space "unit"',
  );
  expect(() => checkRegions(record([]), size, 2)).toThrow("`image` must be an index into the 2 pictures");
});
