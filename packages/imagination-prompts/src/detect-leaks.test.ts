import { describe, expect, test } from "vitest";
import { detectLeaks, promptTemplates, renderTemplate } from "./index.ts";

describe("detectLeaks", () => {
  test.each([
    ["The second image shows a red kite.", "other-image", "second image"],
    ["In image 2 the kite is red.", "other-image", "image 2"],
    ["The 3rd cropped view is clear.", "other-image", "3rd cropped view"],
    ["Both pictures show it.", "other-image", "Both pictures"],
    ["From the 3 views it is red.", "other-image", "3 views"],
    ["Another picture confirms it.", "other-image", "Another picture"],
    ["The provided crop shows it.", "provided-view", "provided crop"],
    ["The view that was given is sharp.", "provided-view", "view that was given"],
    ["The zoomed-in images help.", "provided-view", "zoomed-in images"],
    ["This fits the given answer.", "given-answer", "given answer"],
    ["The labelled correct answer is red.", "given-answer", "labelled correct answer"],
    ["The reference solution says red.", "given-answer", "reference solution"],
    ["The attempt that was given is right.", "given-answer", "attempt that was given"],
    ["The ground truth says red.", "given-answer", "ground truth"],
    ["Since the answer is red, I look for red.", "given-answer", "Since the answer is"],
    ["The kite is at [612, 80, 668, 131].", "coordinates", "[612, 80, 668, 131]"],
    ["Near (0.4, 0.55) there is a kite.", "coordinates", "(0.4, 0.55)"],
    ["The bounding box holds a kite.", "coordinates", "bounding box"],
  ])("finds the leak in %j", (text, kind, phrase) => {
    expect(detectLeaks(text)).toEqual([{ kind, phrase, start: text.indexOf(phrase) }]);
  });

  test.each([
    "",
    "I look at the image. I mentally zoom in on the kite. Up close I see a red cloth. <answer>red</answer>",
    "I imagine a crop of the sign; the view becomes clear. It reads 1,200.",
    "The first image row holds two boats and the second row three.",
    "I picture three boats in one image.",
    "The answer is given by the colour of the cloth.",
    renderTemplate(promptTemplates, "student"),
    renderTemplate(promptTemplates, "example"),
  ])("finds none in %j", (text) => {
    expect(detectLeaks(text)).toEqual([]);
  });

  test("pictures that the student was shown are no leak", () => {
    const text = "The second image differs; both images show a kite, the other image none, and image 3 a boat.";
    expect(detectLeaks(text, { imageCount: 2 })).toEqual([
      { kind: "other-image", phrase: "image 3", start: text.indexOf("image 3") },
    ]);
  });

  test("gives several leaks in the order of the text", () => {
    const text = "The reference answer is red, and the second image agrees at x = 12.";
    expect(detectLeaks(text).map(({ phrase }) => phrase)).toEqual(["reference answer", "second image", "x = 12"]);
  });
});
