import { existsSync } from "node:fs";
import { join } from "node:path";
import { encodePng, writeDirectory } from "@imagine-opd/host/node";
import { generateScene, type SceneSplit, toVisualCotLine } from "@imagine-opd/region-datasets";

export interface SceneData {
  readonly directory: string;
  readonly images: string;
  /** Visual-CoT metadata of each split. */
  readonly train: string;
  readonly heldOut: string;
}

/** Writes procedural scenes as PNG files and Visual-CoT metadata, or finds them from last time. */
export async function makeSceneData(
  parent: string,
  counts: { readonly train: number; readonly heldOut: number },
  seed: number,
): Promise<SceneData> {
  const directory = join(parent, `scenes-seed${seed}-${counts.train}-${counts.heldOut}`);
  const splits: readonly (readonly [SceneSplit, string, number])[] = [
    ["train", "train.jsonl", counts.train],
    ["held-out", "held-out.jsonl", counts.heldOut],
  ];
  if (!existsSync(directory)) {
    await writeDirectory(directory, async (sink) => {
      for (const [split, file, count] of splits) {
        const lines: string[] = [];
        for (let index = 0; index < count; index++) {
          const scene = generateScene(seed, index, { split });
          const name = `${split}-${index}.png`;
          await sink.write(`images/${name}`, encodePng(scene.image));
          lines.push(toVisualCotLine(scene, name));
        }
        await sink.write(file, `${lines.join("\n")}\n`);
      }
    });
  }
  return {
    directory,
    images: join(directory, "images"),
    train: join(directory, "train.jsonl"),
    heldOut: join(directory, "held-out.jsonl"),
  };
}
