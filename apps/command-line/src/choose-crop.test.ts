import type { VisionLanguageModel } from "@imagine-opd/vision-language-model";
import { expect, test } from "vitest";
import { chooseCrop } from "./choose-crop.ts";

const model = (splitting: "on" | "off") =>
  ({ processor: { imageSettings: { splitting, tileSize: 64 } } }) as unknown as VisionLanguageModel;

test("without splitting a view is a square of one tile", () => {
  expect(chooseCrop({}, model("off"))).toMatchObject({
    shape: "square",
    output: { kind: "fixed", width: 64, height: 64 },
    padding: 0.1,
  });
});

test("with splitting it keeps the box's shape, and its size is chosen by area", () => {
  const crop = chooseCrop({}, model("on"));
  expect(crop.shape).toBe("box");
  expect(crop).not.toHaveProperty("output");
});

test("every choice can be made otherwise", () => {
  expect(chooseCrop({ viewShape: "box", viewPadding: 0 }, model("off"))).toEqual({
    padding: 0,
    shape: "box",
    dedupeIou: "off",
    maxViews: "all",
  });
  expect(chooseCrop({ viewSize: 96 }, model("on"))).toMatchObject({ output: { kind: "fixed", width: 96, height: 96 } });
});
