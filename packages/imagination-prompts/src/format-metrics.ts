import { ImagineOpdError } from "@imagine-opd/protocol";
import { type DetectLeaksOptions, detectLeaks } from "./detect-leaks.ts";
import { type MoveKind, parseTrajectory } from "./parse-trajectory.ts";
import { exampleCopyRate, repetitionRate } from "./word-overlap.ts";

/** What the shape of completions looks like; rates are 0 to 1 over all texts. */
export interface FormatMetrics {
  /** Texts with a closed answer tag. */
  readonly answerTagRate: number;
  /** Texts whose last answer tag lacks its close tag. */
  readonly openTagRate: number;
  /** Texts that go on behind the answer. */
  readonly afterAnswerRate: number;
  readonly locateRate: number;
  readonly invokeRate: number;
  readonly revealRate: number;
  readonly commitRate: number;
  /** Mean number of imagined closer looks that say what they show. */
  readonly roundsPerTrajectory: number;
  /** Mean of {@link exampleCopyRate}. */
  readonly exampleCopyRate: number;
  /** Texts with at least one phrase of {@link detectLeaks}. */
  readonly leakRate: number;
  /** Mean of {@link repetitionRate}. */
  readonly repetitionRate: number;
}

export interface FormatMetricsOptions extends DetectLeaksOptions {
  /** The worked example of the prompt. @default the example of `promptTemplates` */
  readonly example?: string;
}

/**
 * The format metrics of a batch of completions. Leaks and copies signal that the teacher's register reaches the student.
 * @throws invalid-argument without texts: a rate over nothing is not a number
 */
export function formatMetrics(texts: readonly string[], options: FormatMetricsOptions = {}): FormatMetrics {
  if (texts.length === 0) {
    throw new ImagineOpdError("invalid-argument", {
      where: "imagination-prompts.formatMetrics",
      problem: "expected at least one text, got none.",
    });
  }
  const trajectories = texts.map(parseTrajectory);
  const moveRate = (kind: MoveKind): number =>
    mean(trajectories.map(({ moves }) => Number(moves.some((move) => move.kind === kind))));
  return {
    answerTagRate: mean(trajectories.map(({ tag }) => Number(tag === "closed"))),
    openTagRate: mean(trajectories.map(({ tag }) => Number(tag === "open"))),
    afterAnswerRate: mean(trajectories.map(({ afterAnswer }) => Number(afterAnswer !== ""))),
    locateRate: moveRate("locate"),
    invokeRate: moveRate("invoke"),
    revealRate: moveRate("reveal"),
    commitRate: moveRate("commit"),
    roundsPerTrajectory: mean(trajectories.map(({ rounds }) => rounds)),
    exampleCopyRate: mean(texts.map((text) => exampleCopyRate(text, options))),
    leakRate: mean(texts.map((text) => Number(detectLeaks(text, options).length > 0))),
    repetitionRate: mean(texts.map((text) => repetitionRate(text))),
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
