import { createHash } from "node:crypto";
import { type PromptTemplates, promptTemplates } from "@imagine-opd/imagination-prompts";
import type { Example, ExampleSource, RgbImage } from "@imagine-opd/protocol";
import { type CropOptions, cropRegions } from "@imagine-opd/region-cropper";
import { generateScene, type Scene, type SceneOptions } from "@imagine-opd/region-datasets";

/** Side of one cell of a digit, pixels: 4 is a small sign, 5 a large one. */
export const smallGlyph = 4;
export const largeGlyph = 5;

/** The warm-up draws training scenes below this index, every later training above it: they never meet. */
export const firstTrainingScene = 25_000;

/** The tiny model knows the task from its warm-up: no system turn, whatever the role. */
const silent = (id: string) => ({ id: `no-${id}`, version: 1, text: "" });
export const quietTemplates: PromptTemplates = {
  ...promptTemplates,
  student: silent("student"),
  studentPlain: silent("student-plain"),
  teacherViews: silent("teacher-views"),
  teacherAnswer: silent("teacher-answer"),
  teacherViewsAnswer: silent("teacher-views-answer"),
};

export interface SceneSourceOptions extends Required<Pick<SceneOptions, "family" | "split" | "glyphScale">> {
  readonly seed: number;
  readonly count: number;
  /** Index of the first scene. @default 0 */
  readonly first?: number;
  /** Side of an evidence view, pixels. */
  readonly viewSize: number;
}

/** Examples drawn when they are asked for, without files. */
export interface SceneSource extends ExampleSource {
  /** The drawn scene of an example. */
  scene(index: number): Scene;
}

/** How evidence views of signs are cut, by the warm-up and by the training alike. */
export const signCrop = (viewSize: number): CropOptions => ({
  shape: "square",
  output: { kind: "fixed", width: viewSize, height: viewSize },
});

/** The zoomed views of boxes on a scene. */
export function cutViews({ image }: Scene, boxes: Scene["boxes"], viewSize: number): RgbImage[] {
  const regions = boxes.map(
    ({ left, top, right, bottom }) => ({ box: [left, top, right, bottom], space: "pixel" }) as const,
  );
  return cropRegions(image, regions, signCrop(viewSize)).views.map((view) => view.image);
}

/** Procedural scenes as a data set. */
export function createSceneSource(options: SceneSourceOptions): SceneSource {
  const { seed, count, first = 0, family, split, glyphScale, viewSize } = options;
  const scene = (index: number) => generateScene(seed, first + index, { family, split, glyphScale });
  return {
    size: count,
    fingerprint: createHash("sha256").update(JSON.stringify(options)).digest("hex").slice(0, 16),
    scene,
    load: async (index): Promise<Example> => {
      const drawn = scene(index);
      const { image, question, answer, boxes } = drawn;
      const id = `${family}-${split}-${first + index}`;
      return { id, images: [image], question, answer, views: cutViews(drawn, boxes, viewSize), category: family };
    },
  };
}
