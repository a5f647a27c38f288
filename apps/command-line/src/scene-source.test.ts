import type { CropOptions } from "@imagine-opd/region-cropper";
import { generateScene } from "@imagine-opd/region-datasets";
import { expect, test } from "vitest";
import { createSceneSource } from "./scene-source.ts";

const crop: CropOptions = { shape: "square", output: { kind: "fixed", width: 64, height: 64 } };

test("an example is its scene with one view a box", async () => {
  const set = { seed: 3, count: 5, first: 10, family: "compare", split: "held-out", glyphScale: [4, 4] } as const;
  const source = createSceneSource(set, crop);
  const scene = generateScene(3, 12, { family: "compare", split: "held-out", glyphScale: [4, 4] });
  expect(source.size).toBe(5);
  expect(source.scene(2)).toEqual(scene);
  const example = await source.load(2);
  expect(example).toMatchObject({
    id: "compare-held-out-12",
    images: [scene.image],
    question: scene.question,
    answer: scene.answer,
    category: "compare",
  });
  expect(example.views.map(({ width, height }) => [width, height])).toEqual([
    [64, 64],
    [64, 64],
  ]);
  const { left, top, right, bottom } = scene.boxes[0]!;
  expect(example.areaShares![0]).toBeCloseTo(((right - left) * (bottom - top)) / 256 ** 2, 12);
});

test("the fingerprint tells sets and crops apart", () => {
  const set = { seed: 3, count: 5 };
  const { fingerprint } = createSceneSource(set, crop);
  expect(createSceneSource({ ...set }, { ...crop }).fingerprint).toBe(fingerprint);
  expect(createSceneSource({ ...set, first: 1 }, crop).fingerprint).not.toBe(fingerprint);
  expect(createSceneSource(set, { ...crop, padding: 0.2 }).fingerprint).not.toBe(fingerprint);
});

test("what cannot be drawn is refused at once", () => {
  expect(() => createSceneSource({ seed: 0, count: 0 }, crop)).toThrow(
    "`count` must be a whole number above 0, got 0.",
  );
  expect(() => createSceneSource({ seed: 0, count: 1, glyphScale: [9, 9] }, crop)).toThrow("`glyphScale`");
});
