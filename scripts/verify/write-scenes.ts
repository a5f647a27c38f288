// Writes held-out scenes of small and large signs as PNG files: node scripts/run.mjs scripts/verify/write-scenes.ts DIRECTORY COUNT.
// One line of JSON a scene: its file and its question.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encodePng } from "@imagine-opd/host/node";
import { generateScene, sceneFamilies } from "@imagine-opd/region-datasets";

const [directory, count] = process.argv.slice(2) as [string, string];
mkdirSync(directory, { recursive: true });
for (let index = 0; index < Number(count); index++) {
  const family = sceneFamilies[index % sceneFamilies.length]!;
  const scene = generateScene(0, index, { split: "held-out", family });
  const file = join(directory, `scene-${index}.png`);
  writeFileSync(file, encodePng(scene.image));
  console.log(JSON.stringify({ file, question: scene.question }));
}
