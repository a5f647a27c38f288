import { parseAnswer, rawMessages } from "@imagine-opd/imagination-prompts";
import { generateScene, type SceneSplit, type Sign } from "@imagine-opd/region-datasets";
import { type RolloutRequest, sampleRollouts } from "@imagine-opd/rollout-sampler";
import type { VisionLanguageModel } from "@imagine-opd/vision-language-model";
import { isLarge, viewOf } from "./lessons.ts";
import { askAbout } from "./sign-words.ts";

export interface Reading {
  /** Share of right answers, 0 to 1. */
  readonly accuracy: number;
  /** Share of completions that name the right row and column. */
  readonly located: number;
}

/** How well the model reads one sign of a size in `count` scenes, greedily: in the whole picture, or with the view. */
export async function measureReading(
  model: VisionLanguageModel,
  options: {
    readonly signs: "small" | "large";
    readonly view: "hidden" | "shown";
    readonly split: SceneSplit;
    readonly seed: number;
    readonly count: number;
  },
): Promise<Reading> {
  const { policy, processor } = model;
  const { signs, view, split, seed, count } = options;
  const size = processor.imageSettings.tileSize;
  const asked: { readonly sign: Sign; readonly request: RolloutRequest }[] = [];
  for (let index = 0; asked.length < count; index++) {
    const scene = generateScene(seed, index, { split });
    const sign = scene.objects.find((candidate) => isLarge(candidate) === (signs === "large"));
    if (sign === undefined) continue;
    const [user] = rawMessages([scene.image], askAbout(sign));
    const shown = view === "shown" ? [{ type: "image", image: viewOf(scene, sign, size) } as const] : [];
    asked.push({
      sign,
      request: {
        recordId: String(index),
        prompt: processor.encode([{ ...user!, content: [...user!.content, ...shown] }]),
      },
    });
  }
  const rollouts = await sampleRollouts(
    policy,
    asked.map(({ request }) => request),
    {
      stopTokenIds: processor.stopTokenIds,
      bannedTokenIds: processor.placeholderTokenIds,
      tokenLimit: processor.tokenCount,
      maxTokens: 48,
      seed: 0,
      temperature: 0,
      batchSize: 32,
    },
  );
  const texts = rollouts.map(({ completion }) => processor.decode(completion));
  const share = (holds: (text: string, i: number) => boolean) => texts.filter(holds).length / count;
  return {
    accuracy: share((text, i) => parseAnswer(text).answer === String(asked[i]!.sign.digit)),
    located: share((text, i) => text.includes(`the ${asked[i]!.sign.row} ${asked[i]!.sign.column} ,`)),
  };
}
