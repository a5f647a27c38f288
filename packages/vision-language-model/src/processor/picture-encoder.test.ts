import type { RgbImage } from "@imagine-opd/protocol";
import { expect, test } from "vitest";
import type { ImageSettings } from "../config/image-settings.ts";
import { createPictureEncoder } from "./picture-encoder.ts";

const settings: ImageSettings = {
  longestEdge: 8,
  tileSize: 8,
  splitting: "off",
  filter: "bilinear",
  rescaleFactor: 1 / 255,
  mean: [0.5, 0.5, 0.5],
  deviation: [0.5, 0.5, 0.5],
};

const picture = (seed: number): RgbImage => ({
  width: 5,
  height: 4,
  data: Uint8Array.from({ length: 60 }, (_, i) => (i * 37 + seed * 11) % 256),
});

test("a picture of the call before is not encoded again, and encoded anew it is the same", () => {
  const encode = createPictureEncoder(settings, 4);
  const [scene, view] = [picture(1), picture(2)];
  const [student] = encode([scene]);
  const [teacher, zoomed] = encode([scene, view]);
  expect(teacher!.patches).toBe(student!.patches);
  expect(zoomed!.patches.key).not.toBe(student!.patches.key);
  const [fresh] = createPictureEncoder(settings, 4)([{ ...scene }]);
  expect(fresh).toEqual(student);
  expect(fresh!.patches).not.toBe(student!.patches);
});

test("a picture that was painted over is encoded anew", () => {
  const encode = createPictureEncoder(settings, 4);
  const scene = picture(1);
  const [before] = encode([scene]);
  scene.data[7] = 255 - scene.data[7]!;
  const [after] = encode([scene]);
  expect(after!.patches.key).not.toBe(before!.patches.key);
  expect(encode([scene])[0]!.patches).toBe(after!.patches);
});
