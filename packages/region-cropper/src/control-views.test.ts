import { cropImage, resizeImage } from "@imagine-opd/image-resize";
import type { RgbImage } from "@imagine-opd/protocol";
import { describe, expect, it } from "vitest";
import { sharedArea } from "./box-overlap.ts";
import { chooseDonor, controlViews, type ViewControl } from "./control-views.ts";
import { cropRegions } from "./crop-regions.ts";

const image: RgbImage = {
  width: 80,
  height: 60,
  data: Uint8Array.from({ length: 3 * 80 * 60 }, (_, i) => Math.imul(i, 2654435761) >>> 24),
};
const { views } = cropRegions(
  image,
  [
    { box: [10, 10, 20, 20], space: "pixel" },
    { box: [50, 30, 60, 36], space: "pixel" },
  ],
  { minSide: 1, output: { kind: "area", minArea: 600, maxArea: 700 } },
);
const options = { seed: 7, recordId: "scene:3", image };
const sizes = views.map((view) => [view.image.width, view.image.height]);

describe("controlViews", () => {
  it("gives no view for none, and nothing for nothing", () => {
    expect(controlViews("none", views, options)).toEqual([]);
    expect(controlViews("random-box", [], options)).toEqual([]);
  });

  it("gives uniform grey of the same sizes for blank", () => {
    const blank = controlViews("blank", views, options);
    expect(blank.map((view) => [view.image.width, view.image.height])).toEqual(sizes);
    expect(blank.every((view) => view.image.data.every((byte) => byte === 128))).toBe(true);
    expect(blank[0]!.image.data.length).toBe(views[0]!.image.data.length);
  });

  it("gives uniform noise of the same sizes, another one in each view", () => {
    const noise = controlViews("noise", views, options);
    expect(noise.map((view) => [view.image.width, view.image.height])).toEqual(sizes);
    const bytes = [...noise[0]!.image.data];
    const mean = bytes.reduce((a, b) => a + b) / bytes.length;
    const variance = bytes.reduce((a, b) => a + (b - mean) ** 2, 0) / bytes.length;
    // Uniform on 0 ... 255: mean 127.5 with standard error 73.9 / √n, variance 5461.25.
    expect(Math.abs(mean - 127.5)).toBeLessThan((4 * 73.9) / Math.sqrt(bytes.length));
    expect(Math.abs(variance / 5461.25 - 1)).toBeLessThan(0.1);
    expect(noise[1]!.image.data.subarray(0, 300)).not.toEqual(noise[0]!.image.data.subarray(0, 300));
  });

  it("cuts boxes of the same sizes where no evidence is", () => {
    const boxes = controlViews("random-box", views, options);
    boxes.forEach(({ image: picture, pixelBox, evidenceShare }, i) => {
      const { provenance, image: view } = views[i]!;
      const crop = cropImage(image, pixelBox!);
      expect([crop.width, crop.height]).toEqual([
        provenance.pixelBox.right - provenance.pixelBox.left,
        provenance.pixelBox.bottom - provenance.pixelBox.top,
      ]);
      expect(picture).toEqual(resizeImage(crop, view, { filter: "bicubic" }));
      expect(evidenceShare).toBe(0);
      for (const other of views) expect(sharedArea(pixelBox!, other.provenance.regionBox)).toBe(0);
    });
  });

  it("says how much evidence a random box still shows where no place is free", () => {
    const whole = cropRegions(image, [{ box: [0, 0, 1, 1], space: "unit" }]).views;
    const [control] = controlViews("random-box", whole, options);
    expect(control).toMatchObject({ pixelBox: { left: 0, top: 0, right: 80, bottom: 60 }, evidenceShare: 1 });
  });

  it("goes round the donors for shuffled", () => {
    const donors = [1, 2, 3].map((level) => ({ width: 1, height: 1, data: new Uint8Array(3).fill(level) }));
    const shuffled = controlViews("shuffled", views, { ...options, donors });
    const [first, second] = shuffled.map(({ donorIndex }) => donorIndex!) as [number, number];
    expect(second).toBe((first + 1) % 3);
    expect(shuffled.map((view) => view.image)).toEqual([donors[first], donors[second]]);
    const only = controlViews("shuffled", views, { ...options, donors: donors.slice(0, 1) });
    expect(only.map(({ donorIndex }) => donorIndex)).toEqual([0, 0]);
  });

  it.each<ViewControl>(["noise", "random-box"])("%s depends on seed and record, on nothing else", (kind) => {
    const once = controlViews(kind, views, options);
    expect(controlViews(kind, views, { ...options })).toEqual(once);
    expect(controlViews(kind, views, { ...options, seed: 8 })).not.toEqual(once);
    expect(controlViews(kind, views, { ...options, recordId: "scene:4" })).not.toEqual(once);
  });

  it("refuses shuffled without donors, and what is no control", () => {
    expect(() => controlViews("shuffled", views, options)).toThrow("`shuffled` needs `donors`");
    expect(() => controlViews("shuffled", views, { ...options, donors: [] })).toThrow("`shuffled` needs `donors`");
    expect(() => controlViews("mean" as ViewControl, views, options)).toThrow("`kind` must be one of shuffled,");
  });
});

describe("chooseDonor", () => {
  it("reaches every other record about equally, never its own", () => {
    const counts = new Map<number, number>();
    for (let i = 0; i < 3000; i++) {
      const donor = chooseDonor(2, 4, { seed: 1, recordId: `r${i}` });
      counts.set(donor, (counts.get(donor) ?? 0) + 1);
    }
    expect([...counts.keys()].sort()).toEqual([0, 1, 3]);
    // Binomial(3000, 1/3): standard deviation 25.8
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(4 * 25.8);
  });

  it("is the same for the same seed and record", () => {
    const key = { seed: 5, recordId: "a" };
    expect(chooseDonor(0, 1000, key)).toBe(chooseDonor(0, 1000, key));
    expect(chooseDonor(0, 1000, key)).not.toBe(chooseDonor(0, 1000, { ...key, seed: 6 }));
  });

  it("needs another record", () => {
    expect(() => chooseDonor(0, 1, { seed: 1, recordId: "a" })).toThrow("got index 0 of 1");
    expect(() => chooseDonor(4, 4, { seed: 1, recordId: "a" })).toThrow("got index 4 of 4");
  });
});
