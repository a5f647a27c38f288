import { createControlledSource, type SceneSource } from "@imagine-opd/command-line";
import type { EvaluationSample } from "@imagine-opd/evaluation";
import { encodePng } from "@imagine-opd/host/node";
import { resizeImage } from "@imagine-opd/image-resize";
import { type PromptTemplates, parseTrajectory } from "@imagine-opd/imagination-prompts";
import { pairContexts, type Teacher, teacherPrompt } from "@imagine-opd/privileged-teacher";
import type { Example, RgbImage } from "@imagine-opd/protocol";
import type { ReportPicture, ReportSample, ReportTranscript } from "@imagine-opd/run-log";
import type { VisionLanguageModel } from "@imagine-opd/vision-language-model";

/** Samples of each kind that the report shows. */
const perKind = 8;

/** Scenes that improved, worsened, stayed wrong and stayed right, in this order, the first of each kind. */
export function chooseSamples(before: readonly EvaluationSample[], after: readonly EvaluationSample[]): number[] {
  const kinds = [
    [false, true],
    [true, false],
    [false, false],
    [true, true],
  ] as const;
  return kinds.flatMap(([was, is]) =>
    [...before.keys()].filter((i) => before[i]!.correct === was && after[i]!.correct === is).slice(0, perKind),
  );
}

function toPicture(image: RgbImage, shown: RgbImage, boxes?: ReportPicture["boxes"]): ReportPicture {
  const address = `data:image/png;base64,${Buffer.from(encodePng(shown)).toString("base64")}`;
  return { address, width: image.width, height: image.height, ...(boxes && { boxes }) };
}

interface Scoring {
  readonly model: Pick<VisionLanguageModel, "policy" | "processor">;
  /** The base model, with views. */
  readonly teacher: Teacher;
  readonly templates: PromptTemplates;
}

/** What each token adds to the text; a byte that only begins a character adds nothing yet. */
export function splitText(decode: (ids: Int32Array) => string, ids: Int32Array): string[] {
  const text = decode(ids);
  let shown = 0;
  return Array.from(ids, (_, i) => {
    const beginning = decode(ids.subarray(0, i + 1));
    const until = text.startsWith(beginning) ? beginning.length : shown;
    const piece = text.slice(shown, until);
    shown = until;
    return piece;
  });
}

/** Log-probs that the teacher gives a completion when it sees the example's views. */
async function scoreSample(
  { model: { policy, processor }, teacher, templates }: Scoring,
  example: Example,
  { tokenIds }: EvaluationSample,
): Promise<Float32Array> {
  const prompt = teacherPrompt(processor, example, { reveal: { evidence: true, groundTruth: false }, templates });
  const rollout = { recordId: example.id, prompt, completion: tokenIds };
  const { placeholderTokenIds } = processor;
  const paired = pairContexts([{ ...rollout, logProbs: new Float32Array(), stopReason: "stop", seed: 0 }], [prompt], {
    placeholderTokenIds,
    contextLength: policy.contextLength,
  });
  return (await teacher.score(paired, { want: "sampled" })).logProbs;
}

async function toTranscript(
  scoring: Scoring,
  label: string,
  sample: EvaluationSample,
  example: Example,
  blank: Example,
): Promise<ReportTranscript> {
  const { processor } = scoring.model;
  const teacher = await scoreSample(scoring, example, sample);
  const { text, answer, correct, tokenIds, logProbs } = sample;
  return {
    label,
    text,
    ...(answer !== undefined && { answer }),
    correct,
    moves: parseTrajectory(text).moves,
    tokens: splitText((ids) => processor.decode(ids), tokenIds).map((piece, i) => ({
      text: piece,
      student: logProbs[i]!,
      teacher: teacher[i]!,
    })),
    control: { label: "teacher with a blank view", teacher: await scoreSample(scoring, blank, sample) },
  };
}

/** What the report shows of some scenes: picture, views, completions of both times, and what the teacher thought of each token. */
export async function collectSamples(
  scoring: Scoring,
  source: SceneSource,
  before: readonly EvaluationSample[],
  after: readonly EvaluationSample[],
): Promise<ReportSample[]> {
  const blanks = createControlledSource(source, "blank", 0);
  const samples: ReportSample[] = [];
  const { tileSize } = scoring.model.processor.imageSettings;
  for (const index of chooseSamples(before, after)) {
    const example = await source.load(index);
    const blank = await blanks.load(index);
    const [image] = example.images as [RgbImage];
    // Shown as the model sees it.
    const small = resizeImage(image, { width: tileSize, height: tileSize }, { filter: "lanczos" });
    samples.push({
      recordId: example.id,
      image: toPicture(image, small, source.scene(index).boxes),
      views: example.views.map((view) => toPicture(view, view)),
      question: example.question,
      reference: example.answer!,
      transcripts: [
        await toTranscript(scoring, "before", before[index]!, example, blank),
        await toTranscript(scoring, "after", after[index]!, example, blank),
      ],
    });
  }
  return samples;
}
