import { join } from "node:path";
import type { SceneSource } from "@imagine-opd/command-line";
import { encodePng, writeDirectory } from "@imagine-opd/host/node";
import { toVisualCotLine } from "@imagine-opd/region-datasets";

/** Writes the first scenes of a source as PNG files and Visual-CoT metadata, for `ask` and `evaluate`. */
export async function writeScenes(
  directory: string,
  source: SceneSource,
  count: number,
): Promise<{ image: string; question: string }> {
  const lines: string[] = [];
  await writeDirectory(directory, async (sink) => {
    for (let index = 0; index < Math.min(count, source.size); index++) {
      const name = `scene-${index}.png`;
      await sink.write(name, encodePng(source.scene(index).image));
      lines.push(toVisualCotLine(source.scene(index), name));
    }
    await sink.write("scenes.jsonl", `${lines.join("\n")}\n`);
  });
  return { image: join(directory, "scene-0.png"), question: source.scene(0).question };
}
