import { type PromptTemplates, parseAnswer } from "@imagine-opd/imagination-prompts";
import {
  type Example,
  type ExampleSource,
  ImagineOpdError,
  type Processor,
  throwIfAborted,
} from "@imagine-opd/protocol";
import type { WeightView } from "@imagine-opd/protocol/policy";
import { type DecodingPolicy, type RolloutRequest, sampleRollouts } from "@imagine-opd/rollout-sampler";
import { evaluationMessages } from "./evaluation-messages.ts";
import {
  type EvaluationMode,
  type EvaluationReport,
  type EvaluationSample,
  summarizeSamples,
} from "./evaluation-report.ts";
import { gradeAnswer, type ReferenceAnswer } from "./grade-answer.ts";
import { answerInTurns, refuseUnzoomed, type Turns, type ZoomOptions } from "./zoom-turns.ts";

/** How an evaluation asks, and how long its completions may be. */
export interface EvaluationOptions {
  readonly mode: EvaluationMode;
  /** Longest completion, tokens. */
  readonly maxTokens: number;
  /** Integer; without effect at temperature 0. */
  readonly seed: number;
  /** 0 takes the most probable token. @default 0 */
  readonly temperature?: number;
  /** Only the first examples of the source. @default all */
  readonly limit?: number;
  /** Examples that are loaded and decoded together. @default 8 */
  readonly batchSize?: number;
  /** @default { kind: "student" } */
  readonly weights?: WeightView;
  /** @default promptTemplates of the imagination-prompts package */
  readonly templates?: PromptTemplates;
  /** How regions are named and cut out; needed in mode `zoom`, without effect in the others. */
  readonly zoom?: ZoomOptions;
  /** The right answer of an example, where it has aliases or options. @default its labelled answer */
  readonly reference?: (example: Example) => ReferenceAnswer;
  readonly signal?: AbortSignal;
}

/** What {@link streamEvaluation} tells: each graded sample with how many of `total` are done, then the report. */
export type EvaluationEvent =
  | { readonly type: "sample-graded"; readonly sample: EvaluationSample; readonly done: number; readonly total: number }
  | { readonly type: "evaluation-finished"; readonly report: EvaluationReport };

/**
 * Generates one completion for every example, grades it, and tells of each; the last event carries the report. Every
 * example counts: a completion without a readable answer is wrong, an example that cannot be asked stops the evaluation.
 * @throws invalid-data an example without a labelled answer, or in mode `oracle` without views
 * @throws invalid-argument an empty source, options out of their range, mode `zoom` without `zoom`
 * @throws unsupported in mode `zoom`: an example with several pictures; no completion that names a region
 * @throws limit-exceeded a prompt that leaves no room for `maxTokens`
 * @throws aborted when the signal fires
 */
export async function* streamEvaluation(
  policy: DecodingPolicy,
  processor: Processor,
  source: ExampleSource,
  options: EvaluationOptions,
): AsyncGenerator<EvaluationEvent, void, undefined> {
  const { limit = source.size, batchSize = 8, signal } = options;
  requirePositive("batchSize", batchSize);
  requirePositive("limit", limit);
  if (options.mode === "zoom" && options.zoom === undefined) throw noZoomOptions();
  const total = Math.min(limit, source.size);
  const samples: EvaluationSample[] = [];
  while (samples.length < total) {
    throwIfAborted(signal, "evaluation.evaluate");
    const indices = Array.from({ length: Math.min(batchSize, total - samples.length) }, (_, i) => samples.length + i);
    for (const sample of await evaluateBatch(policy, processor, source, indices, options)) {
      samples.push(sample);
      yield { type: "sample-graded", sample, done: samples.length, total };
    }
  }
  if (options.mode === "zoom") refuseUnzoomed(samples, options.zoom!.words);
  const fingerprints = { sourceFingerprint: source.fingerprint, processorFingerprint: processor.fingerprint };
  const report = { mode: options.mode, ...summarizeSamples(samples), ...fingerprints, samples };
  yield { type: "evaluation-finished", report };
}

/** The report of {@link streamEvaluation}; rejects with the same errors. */
export async function evaluate(
  policy: DecodingPolicy,
  processor: Processor,
  source: ExampleSource,
  options: EvaluationOptions,
): Promise<EvaluationReport> {
  let report: EvaluationReport | undefined;
  for await (const event of streamEvaluation(policy, processor, source, options)) {
    if (event.type === "evaluation-finished") report = event.report;
  }
  return report!; // the stream ends with it, or throws
}

async function evaluateBatch(
  policy: DecodingPolicy,
  processor: Processor,
  source: ExampleSource,
  indices: readonly number[],
  options: EvaluationOptions,
): Promise<EvaluationSample[]> {
  const { mode, templates, maxTokens, seed, temperature = 0, weights, reference, zoom, signal } = options;
  const examples = await Promise.all(indices.map((index) => source.load(index, signal)));
  const references = examples.map((example) => reference?.(example) ?? labelledAnswer(example));
  const generate = (requests: readonly RolloutRequest[]) =>
    sampleRollouts(policy, requests, {
      stopTokenIds: processor.stopTokenIds,
      bannedTokenIds: processor.placeholderTokenIds,
      tokenLimit: processor.tokenCount,
      maxTokens,
      seed,
      temperature,
      ...(weights === undefined ? {} : { weights }),
      ...(signal === undefined ? {} : { signal }),
    });
  const ask = (example: Example, turn: EvaluationMode, recordId = example.id): RolloutRequest => ({
    recordId,
    prompt: processor.encode(evaluationMessages(example, turn, templates)),
  });
  const first = await generate(examples.map((example) => ask(example, mode)));
  const turns: readonly Turns[] =
    mode === "zoom"
      ? await answerInTurns(examples, first, { zoom: zoom!, processor, ask, generate })
      : first.map((rollout) => ({ rollout }));
  return turns.map((answered, i) => gradeTurns(answered, processor, indices[i]!, examples[i]!, references[i]!));
}

function gradeTurns(
  { rollout, firstTurn }: Turns,
  processor: Processor,
  index: number,
  { id, category, question }: Example,
  reference: ReferenceAnswer,
): EvaluationSample {
  const text = processor.decode(rollout.completion);
  const { answer } = parseAnswer(text);
  return {
    index,
    id,
    ...(category === undefined ? {} : { category }),
    question,
    reference: reference.text,
    text,
    ...(answer === undefined ? {} : { answer }),
    ...gradeAnswer(answer, reference),
    tokenIds: rollout.completion,
    logProbs: rollout.logProbs,
    stopReason: rollout.stopReason,
    promptTokens: rollout.prompt.tokenIds.length,
    promptImages: rollout.prompt.patches.length,
    ...(firstTurn === undefined ? {} : { firstTurn }),
  };
}

function labelledAnswer({ id, answer }: Example): ReferenceAnswer {
  if (answer !== undefined && answer.trim() !== "") return { text: answer };
  throw new ImagineOpdError("invalid-data", {
    where: "evaluation.evaluate",
    problem: `record \`${id}\` has no labelled answer to grade against.`,
    remedy: "Evaluate a labelled set, or pass `reference`.",
    details: { id },
  });
}

function noZoomOptions(): ImagineOpdError {
  return new ImagineOpdError("invalid-argument", {
    where: "evaluation.evaluate",
    problem: "mode zoom needs `zoom`, how the model names regions and how they are cut out, got none.",
    remedy: 'Pass for example { words: { kind: "box", space: "pixel" }, crop: {} }.',
  });
}

function requirePositive(name: string, value: number): void {
  if (Number.isSafeInteger(value) && value > 0) return;
  throw new ImagineOpdError("invalid-argument", {
    where: "evaluation.evaluate",
    problem: `\`${name}\` must be a whole number above 0, got ${value}${name === "limit" ? " (an empty source has nothing to evaluate)" : ""}.`,
  });
}
