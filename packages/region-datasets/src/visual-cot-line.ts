import type { RegionBox } from "@imagine-opd/protocol";
import type { Scene } from "./scene.ts";

/**
 * The scene as one line of Visual-CoT metadata (without a line break), so that written scenes are read by
 * `readVisualCot` like any other data set.
 * @param fileName name under which the picture is stored
 */
export function toVisualCotLine(scene: Scene, fileName: string): string {
  return JSON.stringify({
    question: scene.question,
    answer: scene.answer,
    image: fileName,
    width: scene.image.width,
    height: scene.image.height,
    bboxs: scene.boxes.map(({ left, top, right, bottom }: RegionBox) => [left, top, right, bottom]),
    dataset: "signs",
    split: scene.split,
  });
}
