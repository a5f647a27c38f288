import { createHash } from "node:crypto";
import { decodeImage } from "@imagine-opd/host/node";
import { type ResizeFilter, resizeImage } from "@imagine-opd/image-resize";
import type { RgbImage } from "@imagine-opd/protocol";
import { type GoldenTensor, goldenPath, readGoldenJson, readGoldenTensors } from "@imagine-opd/test-kit";
import { describe, expect, it } from "vitest";

function countDifferences(actual: RgbImage, expected: GoldenTensor): number {
  expect([actual.height, actual.width, 3]).toEqual(expected.shape);
  return actual.data.reduce((count, byte, i) => count + (byte === expected.data[i] ? 0 : 1), 0);
}

/** `<filter>/<H>x<W>` */
function resizeBy(image: RgbImage, filter: string, size: string): RgbImage {
  const [height, width] = size.split("x").map(Number) as [number, number];
  return resizeImage(image, { width, height }, { filter: filter as ResizeFilter });
}

describe("resizeImage against Pillow", () => {
  const resized = [...readGoldenTensors("common/resize.safetensors")];
  it.each(resized)("%s", async (key, expected) => {
    const [name, filter, size] = key.split("/") as [string, string, string];
    const { image } = await decodeImage(goldenPath(`common/images/${name}.png`));
    expect(countDifferences(resizeBy(image, filter, size), expected)).toBe(0);
  });

  const { source, ...tall } = Object.fromEntries(readGoldenTensors("common/resize_tall.safetensors"));
  it.each(Object.entries(tall))("tall/%s", (key, expected) => {
    const [height, width] = source!.shape as [number, number, number];
    const [filter, size] = key.split("/") as [string, string];
    expect(
      countDifferences(resizeBy({ width, height, data: source!.data as Uint8Array }, filter, size), expected),
    ).toBe(0);
  });
});

describe("decodeImage against Pillow", () => {
  const modes: Record<string, { file: string; rgb_sha256: string }> = readGoldenJson("common/decode.json");
  it.each(Object.entries(modes))("mode %s", async (_, { file, rgb_sha256 }) => {
    const { image } = await decodeImage(goldenPath(`common/${file}`));
    expect(createHash("sha256").update(image.data).digest("hex")).toBe(rgb_sha256);
  });

  it("turns a picture upright by its EXIF orientation", async () => {
    const { image, orientation } = await decodeImage(goldenPath("common/images/turned.jpg"));
    expect(orientation).toBe(6);
    // The stored raster is 47 wide and 33 high.
    expect([image.width, image.height, image.data.length]).toEqual([33, 47, 3 * 33 * 47]);
  });
});
