import { type Example, ImagineOpdError, type Processor, type RgbImage } from "@imagine-opd/protocol";
import { type CropOptions, cropRegions, type EvidenceView } from "@imagine-opd/region-cropper";
import type { RolloutRequest, SampledRollout } from "@imagine-opd/rollout-sampler";
import type { EvaluationMode, EvaluationSample, FirstTurn } from "./evaluation-report.ts";
import { readRegions, type ZoomWords } from "./read-regions.ts";

/** How regions are named and cut out in mode `zoom`. */
export interface ZoomOptions {
  /** How the model says where to look. */
  readonly words: ZoomWords;
  /** How what it named is cut out and enlarged. */
  readonly crop: CropOptions;
}

/** The completion that answers, and the turn before it. */
export interface Turns {
  readonly rollout: SampledRollout;
  readonly firstTurn?: FirstTurn;
}

/** What asks the model; the batch's own options are in it. */
interface Asking {
  readonly zoom: ZoomOptions;
  readonly processor: Processor;
  ask(example: Example, turn: EvaluationMode, recordId: string): RolloutRequest;
  generate(requests: readonly RolloutRequest[]): Promise<readonly SampledRollout[]>;
}

/**
 * Cuts out what each first completion names and asks again with it in the place of the evidence views. Where it names
 * nothing that lies on the picture, the first completion is the answer.
 */
export async function answerInTurns(
  examples: readonly Example[],
  first: readonly SampledRollout[],
  { zoom, processor, ask, generate }: Asking,
): Promise<Turns[]> {
  const texts = first.map(({ completion }) => processor.decode(completion));
  const views = examples.map((example, i) => cutNamedViews(texts[i]!, onlyPicture(example), zoom));
  const zoomed = examples.flatMap((_, i) => (views[i]!.length > 0 ? [i] : []));
  const requests = zoomed.map((i) => {
    const example = examples[i]!;
    // A record of its own for the random streams: the second turn must not repeat the first one's draws.
    return ask({ ...example, views: views[i]!.map(({ image }) => image) }, "oracle", `${example.id}/zoomed`);
  });
  const second = requests.length === 0 ? [] : await generate(requests);
  return first.map((rollout, i) => {
    const place = zoomed.indexOf(i);
    if (place < 0) return { rollout };
    const boxes = views[i]!.map(({ provenance }) => provenance.pixelBox);
    return { rollout: second[place]!, firstTurn: describeFirstTurn(rollout, texts[i]!, boxes) };
  });
}

/** A model that never names a region was not evaluated with zoom, whatever its answers are. */
export function refuseUnzoomed(samples: readonly EvaluationSample[], words: ZoomWords): void {
  if (samples.some(({ firstTurn }) => firstTurn !== undefined)) return;
  const expected =
    words.kind === "box" ? `a box in the space ${words.space}` : `a cell, as "${words.rows[0]} ${words.columns[0]}"`;
  throw new ImagineOpdError("unsupported", {
    where: "evaluation.evaluate",
    problem:
      `mode zoom needs a model that names ${expected}, and none of ${samples.length} completions did; ` +
      `the first was "${samples[0]!.text.slice(0, 80)}".`,
    remedy: "State how this model names regions in `zoom.words`, or evaluate in another mode.",
    details: { words },
  });
}

function cutNamedViews(text: string, image: RgbImage, { words, crop }: ZoomOptions): readonly EvidenceView[] {
  return cropRegions(image, readRegions(text, words), crop).views;
}

function onlyPicture({ id, images }: Example): RgbImage {
  const [image] = images;
  if (images.length === 1 && image !== undefined) return image;
  throw new ImagineOpdError("unsupported", {
    where: "evaluation.evaluate",
    problem: `mode zoom takes records with one picture, and record \`${id}\` has ${images.length}: words do not say which one they mean.`,
    details: { id, images: images.length },
  });
}

function describeFirstTurn(
  { completion, logProbs, stopReason, prompt }: SampledRollout,
  text: string,
  boxes: FirstTurn["boxes"],
): FirstTurn {
  return {
    text,
    boxes,
    tokenIds: completion,
    logProbs,
    stopReason,
    promptTokens: prompt.tokenIds.length,
    promptImages: prompt.patches.length,
  };
}
