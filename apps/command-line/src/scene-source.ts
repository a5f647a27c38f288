import { createHash } from "node:crypto";
import { type Example, type ExampleSource, ImagineOpdError } from "@imagine-opd/protocol";
import { type CropOptions, cropRegions, type EvidenceView } from "@imagine-opd/region-cropper";
import { generateScene, type Scene, type SceneOptions } from "@imagine-opd/region-datasets";

/** Which procedural scenes make a data set: what a file of format `scenes` holds. */
export interface SceneSet extends SceneOptions {
  readonly seed: number;
  readonly count: number;
  /** Index of the first scene. @default 0 */
  readonly first?: number;
}

/** Examples drawn when they are asked for, without files. */
export interface SceneSource extends ExampleSource {
  /** The drawn scene of an example. */
  scene(index: number): Scene;
}

/** The zoomed views of a scene's boxes. */
export function cutViews({ image }: Scene, boxes: Scene["boxes"], crop: CropOptions): readonly EvidenceView[] {
  const regions = boxes.map(
    ({ left, top, right, bottom }) => ({ box: [left, top, right, bottom], space: "pixel" }) as const,
  );
  return cropRegions(image, regions, crop).views;
}

/**
 * Procedural scenes as a data set; records are called family-split-index.
 * @throws invalid-argument for scenes that cannot be drawn
 */
export function createSceneSource(set: SceneSet, crop: CropOptions): SceneSource {
  const { seed, count, first = 0, ...options } = set;
  if (!Number.isSafeInteger(count) || count < 1) {
    throw new ImagineOpdError("invalid-argument", {
      where: "command-line.createSceneSource",
      problem: `\`count\` must be a whole number above 0, got ${count}.`,
    });
  }
  const scene = (index: number) => generateScene(seed, first + index, options);
  scene(0); // refuses bad options before anything is trained
  return {
    size: count,
    fingerprint: createHash("sha256")
      .update(JSON.stringify([set, crop]))
      .digest("hex")
      .slice(0, 16),
    scene,
    load: async (index): Promise<Example> => {
      const drawn = scene(index);
      const { family, split, image, question, answer, boxes } = drawn;
      const views = cutViews(drawn, boxes, crop);
      return {
        id: `${family}-${split}-${first + index}`,
        images: [image],
        question,
        answer,
        views: views.map((view) => view.image),
        areaShares: views.map(({ provenance }) => provenance.areaShare),
        category: family,
      };
    },
  };
}
