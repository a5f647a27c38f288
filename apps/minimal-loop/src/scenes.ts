import type { Example } from "@imagine-opd/protocol";
import { cropRegions } from "@imagine-opd/region-cropper";
import { generateScene, type Scene } from "@imagine-opd/region-datasets";

/** Draws a picture with signs too small for the model to read, unless it gets a zoomed view of them. */
export function drawScene(split: "train" | "held-out", index: number): Scene {
  return generateScene(0, index, { split, glyphScale: [4, 4] });
}

/** The scene for student and teacher: each annotated box becomes a zoomed view of `side` pixels. */
export function toExample({ image, question, boxes, split, index }: Scene, side: number): Example {
  const regions = boxes.map((box) => ({ box: [box.left, box.top, box.right, box.bottom], space: "pixel" }) as const);
  const output = { kind: "fixed", width: side, height: side } as const;
  const { views } = cropRegions(image, regions, { shape: "square", padding: 0.1, output });
  return { id: `${split}-${index}`, images: [image], question, views: views.map((view) => view.image) };
}

/** New training scenes for every step. The base model has seen those below 25 000, and no other. */
export function* drawBatches(steps: number, batchSize: number, side: number): Generator<Example[]> {
  for (let first = 25_000; steps > 0; steps -= 1, first += batchSize)
    yield Array.from({ length: batchSize }, (_, i) => toExample(drawScene("train", first + i), side));
}
