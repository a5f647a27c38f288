import { ImagineOpdError, type Rollout } from "@imagine-opd/protocol";
import { type Interval, wilsonInterval } from "./wilson-interval.ts";

/**
 * What the model is shown and asked.
 *
 * - `imagine`: the student's prompt with imagination
 * - `direct`: the short answer at once
 * - `blank`: as `imagine`, every picture replaced by its mean grey: what the words alone give away
 * - `oracle`: the teacher's prompt with the evidence views, without the answer: what looking closer could give
 */
export type EvaluationMode = "direct" | "imagine" | "blank" | "oracle";

/** One question, completely: a recount needs nothing else. */
export interface EvaluationSample {
  /** Index in the source. */
  readonly index: number;
  readonly id: string;
  readonly category?: string;
  readonly question: string;
  /** The right answer's text. */
  readonly reference: string;
  /** Decoded completion. */
  readonly text: string;
  /** What its answer tag holds; absent when there is none. */
  readonly answer?: string;
  readonly correct: boolean;
  /** Whether the answer could be read. */
  readonly parsed: boolean;
  /** `[T]` */
  readonly tokenIds: Int32Array;
  /** `[T]` log-probs of the tokens before bans and truncation, nats. */
  readonly logProbs: Float32Array;
  readonly stopReason: Rollout["stopReason"];
  /** Tokens. */
  readonly promptTokens: number;
  /** Pictures in the prompt. */
  readonly promptImages: number;
}

export interface Accuracy {
  readonly correct: number;
  /** Questions asked: unreadable answers are among them. */
  readonly total: number;
  /** `correct / total` */
  readonly accuracy: number;
  /** Wilson's 95 % interval. */
  readonly interval: Interval;
}

export interface EvaluationSummary extends Accuracy {
  readonly unparsable: number;
  readonly unparsableRate: number;
  /** Share of completions that reached the length limit. */
  readonly truncatedRate: number;
  /** Mean completion length, tokens. */
  readonly meanTokens: number;
  /** Mean prompt length, tokens. */
  readonly meanPromptTokens: number;
  /** By category, in alphabetical order; samples without one are in none. */
  readonly categories: Readonly<Record<string, Accuracy>>;
}

export interface EvaluationReport extends EvaluationSummary {
  readonly mode: EvaluationMode;
  /** Of the example source. */
  readonly sourceFingerprint: string;
  /** Of the processor. */
  readonly processorFingerprint: string;
  readonly samples: readonly EvaluationSample[];
}

/**
 * Counts samples; `evaluate` reports exactly this of its own.
 * @throws invalid-argument without samples: a rate over nothing is not a number
 */
export function summarizeSamples(samples: readonly EvaluationSample[]): EvaluationSummary {
  const total = samples.length;
  if (total === 0) {
    throw new ImagineOpdError("invalid-argument", {
      where: "evaluation.summarizeSamples",
      problem: "expected at least one sample, got none.",
    });
  }
  const share = (counts: (sample: EvaluationSample) => boolean) => samples.filter(counts).length / total;
  const mean = (size: (sample: EvaluationSample) => number) =>
    samples.reduce((sum, sample) => sum + size(sample), 0) / total;
  const unparsable = samples.filter(({ parsed }) => !parsed).length;
  return {
    ...measureAccuracy(samples),
    unparsable,
    unparsableRate: unparsable / total,
    truncatedRate: share(({ stopReason }) => stopReason === "length"),
    meanTokens: mean(({ tokenIds }) => tokenIds.length),
    meanPromptTokens: mean(({ promptTokens }) => promptTokens),
    categories: byCategory(samples),
  };
}

function measureAccuracy(samples: readonly EvaluationSample[]): Accuracy {
  const [correct, total] = [samples.filter((sample) => sample.correct).length, samples.length];
  return { correct, total, accuracy: correct / total, interval: wilsonInterval(correct, total) };
}

function byCategory(samples: readonly EvaluationSample[]): Record<string, Accuracy> {
  const names = [...new Set(samples.flatMap(({ category }) => category ?? []))].sort();
  return Object.fromEntries(
    names.map((name) => [name, measureAccuracy(samples.filter(({ category }) => category === name))]),
  );
}
