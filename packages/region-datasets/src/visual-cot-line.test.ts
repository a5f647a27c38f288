import { expect, test } from "vitest";
import { checkRegions } from "./check-regions.ts";
import { generateScene } from "./generate-scene.ts";
import { readVisualCot } from "./read-visual-cot.ts";
import { toVisualCotLine } from "./visual-cot-line.ts";

test("written scenes are read back", async () => {
  const scenes = [0, 1, 2].map((index) => generateScene(2, index, { split: "held-out" }));
  const { records, report } = await readVisualCot(scenes.map((scene, i) => toVisualCotLine(scene, `scenes/${i}.png`)));
  expect(report).toMatchObject({ read: 3, kept: 3, clampedBoxes: 0, withoutAnswer: 0 });
  for (const [i, scene] of scenes.entries()) {
    const { left, top, right, bottom } = scene.boxes[0]!;
    const record = records[i]!;
    expect(record).toMatchObject({
      id: `visual-cot/signs:${i + 1}`,
      split: "held-out",
      images: [{ ref: `scenes/${i}.png`, width: 256, height: 256 }],
      question: scene.question,
      answer: { text: scene.answer },
      regions: [{ box: [left, top, right, bottom], space: "pixel" }],
      meta: { raw: {} },
    });
    expect(checkRegions(record, scene.image)).toMatchObject({ clampedBoxes: 0, droppedBoxes: {} });
  }
});
