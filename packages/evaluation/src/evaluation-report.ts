import { ImagineOpdError, type RegionBox, type Rollout } from "@imagine-opd/protocol";
import { type Interval, wilsonInterval } from "./wilson-interval.ts";

/**
 * What the model is shown and asked.
 *
 * - `imagine`: the student's prompt with imagination
 * - `direct`: the short answer at once
 * - `blank`: as `imagine`, every picture replaced by its mean grey: what the words alone give away
 * - `oracle`: the teacher's prompt with the evidence views, without the answer: what looking closer could give
 * - `zoom`: two turns: asked as in `imagine`, then as in `oracle` with the regions cut out that the model's own words named:
 *   what looking closer does give, and what it costs
 */
export type EvaluationMode = "direct" | "imagine" | "blank" | "oracle" | "zoom";

/** The turn of mode `zoom` that says where to look. */
export interface FirstTurn {
  /** Decoded completion. */
  readonly text: string;
  /** What its words named, in pixels of the picture: what the second turn was shown. */
  readonly boxes: readonly RegionBox[];
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
  /**
   * The turn before this one, in mode `zoom` where its words named a region. Without one there was nothing to cut out, and the
   * first answer stands.
   */
  readonly firstTurn?: FirstTurn;
}

/** How many of a set of questions were answered right. Unreadable answers are wrong, never left out. */
export interface Accuracy {
  readonly correct: number;
  /** Questions asked: unreadable answers are among them. */
  readonly total: number;
  /** `correct / total` */
  readonly accuracy: number;
  /** Wilson's 95 % interval. */
  readonly interval: Interval;
}

/** Counts and means over graded samples. */
export interface EvaluationSummary extends Accuracy {
  /** Completions without a readable answer. */
  readonly unparsable: number;
  /** Share of them, 0 to 1. */
  readonly unparsableRate: number;
  /** Share of completions that reached the length limit. */
  readonly truncatedRate: number;
  /** Mean completion length, tokens of both turns. */
  readonly meanTokens: number;
  /** Mean prompt length, tokens of both turns. */
  readonly meanPromptTokens: number;
  /** Share of samples with a second turn; absent where there is none. */
  readonly zoomedRate?: number;
  /** By category, in alphabetical order; samples without one are in none. */
  readonly categories: Readonly<Record<string, Accuracy>>;
}

/** An evaluation: its counts, its samples, and what it was made with. */
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
  const zoomedRate = share(({ firstTurn }) => firstTurn !== undefined);
  const unparsable = samples.filter(({ parsed }) => !parsed).length;
  return {
    ...measureAccuracy(samples),
    unparsable,
    unparsableRate: unparsable / total,
    truncatedRate: share(({ stopReason }) => stopReason === "length"),
    meanTokens: mean(({ tokenIds, firstTurn }) => tokenIds.length + (firstTurn?.tokenIds.length ?? 0)),
    meanPromptTokens: mean(({ promptTokens, firstTurn }) => promptTokens + (firstTurn?.promptTokens ?? 0)),
    ...(zoomedRate > 0 && { zoomedRate }),
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
