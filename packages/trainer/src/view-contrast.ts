import { summarizeTokens, viewContrastWeights } from "@imagine-opd/distillation-loss";
import { type Example, ImagineOpdError, throwIfAborted } from "@imagine-opd/protocol";
import { chooseDonor, controlViews } from "@imagine-opd/region-cropper";
import type { Completion } from "./collect-completions.ts";
import { commonOptions } from "./loss-options.ts";
import { splitCompletions } from "./micro-batches.ts";
import type { ViewContrast } from "./objective.ts";
import { encodeTeacher } from "./prepare-examples.ts";
import { type LossParts, teacherContexts } from "./step-loss.ts";
import type { Grader } from "./step-metrics.ts";
import { chooseTeacherPrompts } from "./teacher-prompts.ts";

/** How a step's completions take to wrong views; empty where the objective does not ask. */
export interface ContrastedViews {
  /** `[N]`, the same for all tokens of a completion. */
  readonly viewWeights?: Float32Array;
  /** Mean over the tokens that count of ln T(y | right views) − ln T(y | wrong views), nats. Absent where none counts. */
  readonly informationGain?: number;
}

/**
 * Scores a step's completions under the teacher's prompts and under the same with wrong views, where the objective has a
 * `viewContrast`.
 * @throws invalid-data when `shuffled` finds no other record of the step with views; aborted
 */
export async function contrastViews(
  parts: LossParts,
  grade: Grader | undefined,
  signal: AbortSignal | undefined,
): Promise<ContrastedViews> {
  const { policy, completions, texts, processor, settings, tokenWeights } = parts;
  const { objective, sampling } = settings;
  if (objective.kind !== "opd" || objective.divergence.viewContrast === undefined) return {};
  const { wrong, ...weighing } = objective.divergence.viewContrast;
  const swapped = swapViews(completions, wrong, parts);
  const { prompts } = chooseTeacherPrompts(swapped, texts, processor, settings, grade);
  const patches = [...new Set(prompts)].flatMap((prompt) => [...prompt.patches]);
  const rightLogProbs = await scoreTokens(parts, signal);
  const teacherFeatures = policy.encodeImages(patches, { weights: parts.teacher!.weights });
  try {
    const wrongLogProbs = await scoreTokens({ ...parts, teacherPrompts: prompts, teacherFeatures }, signal);
    const lengths = Int32Array.from(completions, ({ tokens }) => tokens.length);
    const grouped = { ...weighing, lengths, tokenWeights, groupSize: sampling.rolloutsPerPrompt };
    const gains = rightLogProbs.map((logProb, i) => logProb - wrongLogProbs[i]!);
    const { tokenMean } = summarizeTokens(gains, { lengths, tokenWeights });
    return {
      viewWeights: viewContrastWeights(rightLogProbs, wrongLogProbs, grouped),
      ...(tokenMean !== null && { informationGain: tokenMean }),
    };
  } finally {
    teacherFeatures.dispose();
  }
}

/** `[N]` the teacher's log-probs of all completions. */
async function scoreTokens(parts: LossParts, signal: AbortSignal | undefined): Promise<Float32Array> {
  const { completions, settings, teacher, teacherFeatures } = parts;
  const contexts = teacherContexts(parts);
  const scored: number[] = [];
  for (const batch of splitCompletions(completions, settings.microBatchSize)) {
    throwIfAborted(signal, "trainer.trainStep");
    const { temperature, banned } = commonOptions(parts, batch);
    const { logProbs } = await teacher!.score(contexts.slice(batch.first, batch.first + batch.completions.length), {
      want: "sampled",
      temperature,
      ...(banned && { banned }),
      ...(teacherFeatures && { features: teacherFeatures }),
    });
    for (const logProb of logProbs) scored.push(logProb);
  }
  return Float32Array.from(scored);
}

/** The completions as if their records had other views. */
function swapViews(
  completions: readonly Completion[],
  wrong: ViewContrast["wrong"],
  { processor, settings }: Pick<LossParts, "processor" | "settings">,
): Completion[] {
  const sources = [...new Set(completions.map(({ source }) => source))];
  const examples = sources.map(({ example }) => example);
  const swapped = new Map(
    sources.map((source, index) => {
      const example = { ...source.example, views: wrongViews(examples, index, wrong, settings.seed) };
      return [source, { ...source, example, teacher: encodeTeacher(example, processor, settings) }] as const;
    }),
  );
  return completions.map((completion) => ({ ...completion, source: swapped.get(completion.source)! }));
}

function wrongViews(examples: readonly Example[], index: number, wrong: ViewContrast["wrong"], seed: number) {
  const { id: recordId, images, views } = examples[index]!;
  if (views.length === 0) return [];
  const donors = wrong === "shuffled" ? { donors: viewsOfAnother(examples, index, seed) } : {};
  const options = { seed, recordId, image: images[0]!, ...donors };
  return controlViews(
    wrong,
    views.map((image) => ({ image })),
    options,
  ).map(({ image }) => image);
}

function viewsOfAnother(examples: readonly Example[], index: number, seed: number): Example["views"] {
  const { id: recordId } = examples[index]!;
  const viewed = examples.filter(({ views }, i) => i === index || views.length > 0);
  if (viewed.length > 1)
    return viewed[chooseDonor(viewed.indexOf(examples[index]!), viewed.length, { seed, recordId })]!.views;
  throw new ImagineOpdError("invalid-data", {
    where: "trainer.trainStep",
    problem: `no other record of the step has views that could stand in for those of ${recordId}.`,
    remedy: 'Raise batchSize, or let viewContrast show "blank" or "noise".',
    details: { recordId },
  });
}
