import { ImagineOpdError } from "@imagine-opd/protocol";
import { type RandomStream, randomStream } from "@imagine-opd/random-streams";
import { addNoise, paintBackground } from "./paint-background.ts";
import { paintSign } from "./paint-sign.ts";
import { placeSigns } from "./place-signs.ts";
import type { Scene, SceneFamily, SceneOptions, Sign } from "./scene.ts";
import { resolveSceneOptions } from "./scene-options.ts";

/** What a family asks, of which signs; undefined when these signs leave it nothing to ask. */
type Asker = (signs: readonly Sign[], stream: RandomStream) => Pick<Scene, "question" | "answer" | "asked"> | undefined;

const askers: Readonly<Record<SceneFamily, Asker>> = { digit: askDigit, compare: askLarger };

/**
 * Draws scene number `index` of a seed: coloured signs with digits on a cluttered background, a question about one or two
 * of them, and their exact boxes. Equal arguments give equal bytes; scenes can be drawn in any order.
 * Chance level of the answer: 1 in 10 for `digit`, 1 in 2 for `compare`.
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
  for (let attempt = 0; ; attempt++) {
    const again = attempt === 0 ? "" : ` ${attempt}`;
    const pixels = new Uint8ClampedArray(3 * size * size);
    paintBackground(pixels, resolved, stream("background"));
    const objects = placeSigns(resolved, stream(`signs${again}`)).map((placed): Sign => {
      const { colour, shape, digit, glyphScale, row, column } = placed;
      return { colour, shape, digit, glyphScale, box: paintSign(pixels, size, placed), row, column };
    });
    const question = askers[family](objects, stream("question"));
    if (question === undefined) continue;
    addNoise(pixels, stream("noise"));
    const image = { width: size, height: size, data: new Uint8Array(pixels.buffer) };
    const { row, column } = question.asked[0]!;
    const boxes = question.asked.map(({ box }) => box);
    return { family, split, seed, index, image, objects, ...question, boxes, locate: { row, column } };
  }
}

function askDigit(signs: readonly Sign[], stream: RandomStream) {
  const sign = signs[stream.integer(signs.length)]!;
  return { question: questionOf("digit", [sign]), answer: String(sign.digit), asked: [sign] };
}

function askLarger(signs: readonly Sign[], stream: RandomStream) {
  const first = signs[stream.integer(signs.length)]!;
  const others = signs.filter(({ digit }) => digit !== first.digit);
  if (others.length === 0) return undefined;
  const asked = [first, others[stream.integer(others.length)]!];
  const larger = asked.reduce((best, sign) => (sign.digit > best.digit ? sign : best));
  return { question: questionOf("compare", asked), answer: `${larger.colour} ${larger.shape}`, asked };
}

/** The words in which a family asks about signs. */
export function questionOf(family: SceneFamily, asked: readonly Pick<Sign, "colour" | "shape">[]): string {
  const names = asked.map(({ colour, shape }) => `the ${colour} ${shape}`);
  return family === "digit"
    ? `what digit is on ${names[0]} sign ?`
    : `which sign shows the larger digit , ${names.join(" or ")} ?`;
}
