import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RgbImage } from "@imagine-opd/protocol";
import fc from "fast-check";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { decodeImage } from "./decode-image.ts";
import { encodePng } from "./encode-png.ts";
import { readImageSize } from "./read-image-size.ts";

/** Two rows of three pixels, all different. */
const image: RgbImage = { width: 3, height: 2, data: Uint8Array.from({ length: 18 }, (_, i) => 7 * i) };

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "host-"));
});
afterAll(() => rm(directory, { recursive: true }));

function pixel(picture: RgbImage, x: number, y: number): number[] {
  const at = 3 * (y * picture.width + x);
  return [...picture.data.subarray(at, at + 3)];
}

describe("decodeImage", () => {
  it("reads back what encodePng wrote, from bytes and from a path", async () => {
    const png = encodePng(image);
    const path = join(directory, "a.png");
    await writeFile(path, png);
    for (const file of [png, path]) expect(await decodeImage(file)).toEqual({ image, orientation: 1 });
  });

  it("reads back any picture", async () => {
    const side = fc.integer({ min: 1, max: 9 });
    await fc.assert(
      fc.asyncProperty(
        side,
        side,
        fc.infiniteStream(fc.integer({ min: 0, max: 255 })),
        async (width, height, bytes) => {
          const data = Uint8Array.from({ length: 3 * width * height }, () => bytes.next().value);
          expect((await decodeImage(encodePng({ width, height, data }))).image).toEqual({ width, height, data });
        },
      ),
      { numRuns: 25 },
    );
  });

  // Where the stored pixel (0, 0) ends up in the upright 3 x 2 or 2 x 3 picture (EXIF 2.32, orientation).
  it.each([
    [1, 0, 0],
    [2, 2, 0],
    [3, 2, 1],
    [4, 0, 1],
    [5, 0, 0],
    [6, 1, 0],
    [7, 1, 2],
    [8, 0, 2],
  ])("turns orientation %i upright and reports it", async (orientation, x, y) => {
    const file = new Uint8Array(
      await sharp(encodePng(image)).withMetadata({ orientation }).webp({ lossless: true }).toBuffer(),
    );
    const decoded = await decodeImage(file);
    expect(decoded.orientation).toBe(orientation);
    expect([decoded.image.width, decoded.image.height]).toEqual(orientation < 5 ? [3, 2] : [2, 3]);
    expect(pixel(decoded.image, x, y)).toEqual(pixel(image, 0, 0));
    const { width, height } = decoded.image;
    expect(await readImageSize(file)).toEqual({ width, height, orientation });
  });

  it("drops alpha without blending", async () => {
    const rgba = Uint8Array.of(10, 20, 30, 0, 40, 50, 60, 128);
    const file = await sharp(rgba, { raw: { width: 2, height: 1, channels: 4 } })
      .png()
      .toBuffer();
    expect([...(await decodeImage(file)).image.data]).toEqual([10, 20, 30, 40, 50, 60]);
  });

  it("ignores an embedded colour profile, as Pillow does", async () => {
    const stored = Uint8Array.of(184, 50, 64);
    const raw = sharp(stored, { raw: { width: 1, height: 1, channels: 3 } });
    const profiled = await raw.withIccProfile("p3", { attach: true }).png().toBuffer();
    const withoutTransform = await sharp(profiled, { ignoreIcc: true }).raw().toBuffer();
    expect((await sharp(profiled).metadata()).icc).toBeDefined();
    expect([...(await sharp(profiled).raw().toBuffer())]).not.toEqual([...withoutTransform]);
    expect([...(await decodeImage(profiled)).image.data]).toEqual([...withoutTransform]);
  });

  it("refuses 16-bit and CMYK files by name", async () => {
    const plain = sharp({ create: { width: 2, height: 2, channels: 3, background: "red" } });
    const deep = join(directory, "deep.png");
    await writeFile(deep, await plain.clone().toColourspace("rgb16").png().toBuffer());
    await expect(decodeImage(deep)).rejects.toThrow(/host\/node\.decodeImage: .*deep\.png has samples of type ushort/);
    const cmyk = await plain.clone().toColourspace("cmyk").jpeg().toBuffer();
    await expect(decodeImage(cmyk)).rejects.toMatchObject({ code: "unsupported", message: /CMYK/ });
  });

  it("names the file that does not decode or is not there", async () => {
    const text = join(directory, "text.jpg");
    await writeFile(text, "no picture");
    await expect(decodeImage(text)).rejects.toMatchObject({
      code: "invalid-data",
      message: /text\.jpg does not decode/,
    });
    const noise = Uint8Array.from({ length: 3 * 64 * 64 }, (_, i) => Math.imul(i, 2654435761) >>> 24);
    const whole = await sharp(noise, { raw: { width: 64, height: 64, channels: 3 } })
      .jpeg()
      .toBuffer();
    await expect(decodeImage(whole.subarray(0, whole.length / 2))).rejects.toMatchObject({
      code: "invalid-data",
      message: /premature end/,
    });
    const absent = join(directory, "absent.png");
    await expect(decodeImage(absent)).rejects.toMatchObject({
      code: "missing-file",
      message: /absent\.png cannot be read/,
    });
    await expect(readImageSize(new Uint8Array(0))).rejects.toMatchObject({ code: "invalid-data" });
  });

  it("says how to get sharp when it is not there", async () => {
    vi.resetModules();
    vi.doMock("sharp", () => {
      throw new Error("Cannot find package 'sharp'");
    });
    try {
      const { decodeImage: decodeWithoutSharp } = await import("./decode-image.ts");
      await expect(decodeWithoutSharp(encodePng(image))).rejects.toMatchObject({
        code: "missing-part",
        message: /Install it with `npm install sharp`/,
      });
    } finally {
      vi.doUnmock("sharp");
    }
  });
});

describe("encodePng", () => {
  it("refuses bytes that do not match the sides", () => {
    expect(() => encodePng({ ...image, height: 3 })).toThrow("a picture of 3 x 3 pixels needs 27 RGB bytes");
    expect(() => encodePng({ width: 0, height: 0, data: new Uint8Array(0) })).toThrow("at least one pixel");
  });
});
