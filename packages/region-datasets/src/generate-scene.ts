import { ImagineOpdError } from "@imagine-opd/protocol";
import { type RandomStream, randomStream } from "@imagine-opd/random-streams";
import { addNoise, paintBackground } from "./paint-background.ts";
import { paintSign } from "./paint-sign.ts";
import { placeSigns } from "./place-signs.ts";
import type { Scene, SceneFamily, SceneOptions, Sign } from "./scene.ts";
import { resolveSceneOptions } from "./scene-options.ts";

/** What a family asks about the signs. */
type Asked = Pick<Scene, "question" | "answer" | "boxes" | "locate">;

const askers: Readonly<Record<SceneFamily, (signs: readonly Sign[], stream: RandomStream) => Asked>> = {
  digit: askDigit,
};

/**
 * Draws scene number `index` of a seed: coloured signs with digits on a cluttered background, a question about one of
 * them, and its exact box. Equal arguments give equal bytes; scenes can be drawn in any order.
 * Chance level of the answer: 1 in 10.
 * @param seed finite whole number
 * @param index number of the scene in its split, 0 or more
 * @throws invalid-argument for options that cannot be drawn
 */
export function generateScene(seed: number, index: number, options: SceneOptions = {}): Scene {
  const resolved = resolveSceneOptions(options);
  const { family, split, size } = resolved;
  if (!Number.isSafeInteger(seed) || !Number.isSafeInteger(index) || index < 0) {
    throw new ImagineOpdError("invalid-argument", {
      where: "region-datasets.generateScene",
      problem: `\`seed\` must be a whole number and \`index\` a whole number from 0, got ${seed} and ${index}.`,
    });
  }
  // One stream a purpose: other clutter leaves the signs as they are, and the reverse.
  const stream = (purpose: string) => randomStream(seed, "scene", family, split, index, purpose);
  const pixels = new Uint8ClampedArray(3 * size * size);
  paintBackground(pixels, resolved, stream("background"));
  const objects = placeSigns(resolved, stream("signs")).map((placed): Sign => {
    const { colour, shape, digit, glyphScale, row, column } = placed;
    return { colour, shape, digit, glyphScale, box: paintSign(pixels, size, placed), row, column };
  });
  addNoise(pixels, stream("noise"));
  const image = { width: size, height: size, data: new Uint8Array(pixels.buffer) };
  return { family, split, seed, index, image, objects, ...askers[family](objects, stream("question")) };
}

function askDigit(signs: readonly Sign[], stream: RandomStream): Asked {
  const { colour, shape, digit, box, row, column } = signs[stream.integer(signs.length)]!;
  return {
    question: `what digit is on the ${colour} ${shape} sign ?`,
    answer: String(digit),
    boxes: [box],
    locate: { row, column },
  };
}
