import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDirectory, writeDirectory } from "@imagine-opd/host/node";
import type { EncodedPrompt, Example } from "@imagine-opd/protocol";
import { cropRegions } from "@imagine-opd/region-cropper";
import { generateScene } from "@imagine-opd/region-datasets";
import { openModel, type Trainable, type VisionLanguageModel } from "@imagine-opd/vision-language-model";
import { writeTinyCheckpoint } from "../apps/train-node/src/tiny-model/write-tiny-checkpoint.ts";

/** Runs with the tiny random model, whose checkpoint lies in a folder of its own until the end. */
export async function withTinyModel<Result>(
  trainable: Trainable,
  run: (model: VisionLanguageModel, directory: string) => Promise<Result>,
): Promise<Result> {
  const parent = await mkdtemp(join(tmpdir(), "imagine-opd-bench-"));
  try {
    const directory = join(parent, "model");
    await writeDirectory(directory, (sink) => writeTinyCheckpoint(sink, { seed: 0 }));
    const model = await openModel(openDirectory(directory), { trainable });
    try {
      return await run(model, directory);
    } finally {
      model.dispose();
    }
  } finally {
    await rm(parent, { recursive: true });
  }
}

/** The first scenes as examples: a picture, a question, one tight view. */
export function sceneExamples(count: number, side: number): Example[] {
  return Array.from({ length: count }, (_, index) => {
    const { image, question, answer, boxes } = generateScene(0, index);
    const regions = boxes.map(({ left, top, right, bottom }) => ({
      box: [left, top, right, bottom] as const,
      space: "pixel" as const,
    }));
    const { views } = cropRegions(image, regions, {
      shape: "square",
      output: { kind: "fixed", width: side, height: side },
    });
    return {
      id: `scene-${index}`,
      images: [image],
      question,
      answer,
      views: views.map((view) => view.image),
    };
  });
}

/** Writes prompts for a Python peer: ids, and the patches of each picture `[tiles · side², 3 · p²]`; and banned ids. */
export async function writePrompts(
  path: string,
  prompts: Readonly<Record<string, readonly EncodedPrompt[]>>,
  banned: readonly number[],
): Promise<void> {
  const plain = Object.entries(prompts).map(([name, rows]) => [
    name,
    rows.map(({ tokenIds, patches }) => ({
      ids: Array.from(tokenIds),
      patches: patches.map(({ values, grid }) => ({ grid, values: Array.from(values) })),
    })),
  ]);
  await writeFile(path, JSON.stringify({ ...Object.fromEntries(plain), banned }));
}
