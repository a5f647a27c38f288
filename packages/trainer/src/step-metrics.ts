import { summarizeTokens, type TokenReport, type TokenSummary } from "@imagine-opd/distillation-loss";
import { formatMetrics } from "@imagine-opd/imagination-prompts";
import type { EncodedPrompt, Example } from "@imagine-opd/protocol";
import { describeNumbers, type StepMetrics } from "@imagine-opd/run-log";
import type { Completion } from "./collect-completions.ts";
import type { PreparedBatch } from "./prepare-examples.ts";

/** Whether an answer is right: for the log, and for the choice of demonstrations. */
export type Grader = (text: string, example: Example) => { readonly correct: boolean; readonly parsed: boolean };

/** Absent instead of `null`, as the log wants it. */
const known = (value: number | null): number | undefined => value ?? undefined;
const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

function joinReports(
  reports: readonly TokenReport[],
  pick: (report: TokenReport) => Float32Array | undefined,
): Float32Array | undefined {
  const parts = reports.map(pick);
  if (parts.some((part) => part === undefined)) return undefined;
  return Float32Array.from((parts as Float32Array[]).flatMap((part) => Array.from(part)));
}

/** The teacher's and the student's log-probs of every token of a step; 0 where a token does not count. */
export interface StepTokens {
  readonly values: Float32Array;
  readonly entropy: Float32Array;
  readonly logRatio: Float32Array | undefined;
  readonly studentLogProbs: Float32Array | undefined;
  readonly teacherLogProbs: Float32Array | undefined;
  readonly ratio: Float32Array | undefined;
  readonly bounds: Policy;
}

export function joinTokens(reports: readonly TokenReport[]): StepTokens {
  return {
    values: joinReports(reports, (report) => report.values)!,
    entropy: joinReports(reports, (report) => report.studentEntropy)!,
    logRatio: joinReports(reports, (report) => report.logRatio),
    studentLogProbs: joinReports(reports, (report) => report.studentLogProbs),
    teacherLogProbs: joinReports(reports, (report) => report.teacherLogProbs),
    ratio: joinReports(reports, (report) => report.ratio),
    bounds: describeBounds(reports),
  };
}

type Policy = NonNullable<StepMetrics["policy"]>;

/** How often bounds act, and what a top-k support sees; means over the step's tokens that count. */
function describeBounds(reports: readonly TokenReport[]): Policy {
  const tokens = reports.reduce((total, { counts }) => total + counts.tokens, 0);
  if (tokens === 0) return {};
  const meanShare = (pick: (report: TokenReport) => number | undefined): number | undefined => {
    const shares = reports.map((report) => [pick(report), report.counts.tokens] as const);
    const known = shares.filter((share): share is readonly [number, number] => share[0] !== undefined);
    return known.length === 0 ? undefined : known.reduce((sum, [share, count]) => sum + share * count, 0) / tokens;
  };
  // Masked tokens are 0 in a report.
  const meanToken = (pick: (support: NonNullable<TokenReport["support"]>) => Float32Array) =>
    meanShare(({ support, counts }) =>
      support && counts.tokens > 0 ? pick(support).reduce((sum, value) => sum + value, 0) / counts.tokens : undefined,
    );
  return {
    clippedShare: meanShare(({ clipFractions }) => clipFractions?.ratio ?? clipFractions?.divergence),
    clippedDual: meanShare(({ clipFractions }) => clipFractions?.dual),
    clippedAdvantages: meanShare(({ clipFractions }) => clipFractions?.advantage),
    clippedImportance: meanShare(({ clipFractions }) => clipFractions?.importance),
    studentMass: meanToken(({ studentMass }) => studentMass),
    teacherMass: meanToken(({ teacherMass }) => teacherMass),
    tailMass: meanToken(({ studentTailMass }) => studentTailMass),
    overlap: meanToken(({ overlap }) => overlap),
  };
}

/** What of a step's tokens goes into its metrics. */
type CountedTokens = StepTokens & {
  readonly weights: Float32Array;
  /** Where the step compared right views with wrong ones. */
  readonly informationGain?: number;
};

function signalMetrics({ values, logRatio, weights }: CountedTokens, lengths: Int32Array): StepMetrics["signal"] {
  const counted = { lengths, tokenWeights: weights };
  const divergence = summarizeTokens(values, counted);
  if (logRatio === undefined) return { divergence: known(divergence.tokenMean) };
  const k1: TokenSummary = summarizeTokens(logRatio, counted);
  const advantage = summarizeTokens(
    logRatio.map((ratio) => -ratio),
    counted,
  );
  return {
    k1TokenMean: known(k1.tokenMean),
    k1SequenceMean: known(k1.sequenceMean),
    divergence: known(divergence.tokenMean),
    advantageMean: known(advantage.tokenMean),
    advantageMin: known(advantage.minimum),
    advantageMax: known(advantage.maximum),
    advantageStd: known(advantage.standardDeviation),
    positiveShare: known(advantage.positiveShare),
    topShare: known(k1.topSignalShare),
    firstToken: known(k1.firstTokenMean),
    byDecile: k1.decileMeans.map((decile) => decile ?? Number.NaN),
  };
}

function rolloutMetrics(completions: readonly Completion[], weights: Float32Array): StepMetrics["rollout"] {
  const rollouts = completions.flatMap(({ rollout }) => (rollout === undefined ? [] : [rollout]));
  const lengths = describeNumbers(completions.map(({ tokens }) => tokens.length));
  const share = (reason: string) => mean(rollouts.map(({ stopReason }) => (stopReason === reason ? 1 : 0)));
  const sampled = rollouts.length > 0 && {
    truncatedShare: share("length"),
    stopShare: share("stop"),
    rankMean: mean(rollouts.flatMap(({ ranks }) => Array.from(ranks))),
    keptMass: mean(rollouts.flatMap(({ keptMass }) => Array.from(keptMass))),
  };
  const maskedShare = mean(Array.from(weights, (weight) => (weight > 0 ? 0 : 1)));
  return { lengthMean: lengths.mean, lengthMin: lengths.min, lengthMax: lengths.max, maskedShare, ...sampled };
}

function dataMetrics(
  { prepared, dropped }: PreparedBatch,
  teacherPrompts: readonly EncodedPrompt[],
): StepMetrics["data"] {
  const shares = prepared.flatMap(({ example }) => [...(example.areaShares ?? [])]);
  const teachers = [...new Set(teacherPrompts)].map(({ tokenIds }) => tokenIds.length);
  return {
    records: prepared.length,
    droppedMissingPrivilege: dropped.missingPrivilege,
    droppedLongPrompt: dropped.longPrompt,
    recordsWithoutViews: prepared.filter(({ example }) => example.views.length === 0).length,
    viewsPerRecord: mean(prepared.map(({ example }) => example.views.length)),
    ...(shares.length > 0 && { regionAreaShare: mean(shares) }),
    studentPromptMean: mean(prepared.map(({ student }) => student.tokenIds.length)),
    ...(teachers.length > 0 && { teacherPromptMean: mean(teachers) }),
  };
}

/** Sampler and training graph compute the same log-probs; the difference is pure rounding unless something is shifted. */
function samplerDifference(
  completions: readonly Completion[],
  { studentLogProbs, weights }: CountedTokens,
): number | undefined {
  if (studentLogProbs === undefined || completions.some(({ rollout }) => rollout === undefined)) return undefined;
  const sampled = completions.flatMap(({ rollout }) => Array.from(rollout!.logProbs));
  const differences = sampled.map((logProb, i) => (weights[i]! > 0 ? Math.abs(logProb - studentLogProbs[i]!) : 0));
  return differences.reduce((largest, difference) => Math.max(largest, difference), 0);
}

/** Everything of a step's metrics that depends on its tokens, completions and data. */
export function describeStep(
  batch: PreparedBatch,
  completions: readonly Completion[],
  texts: readonly string[],
  tokens: CountedTokens,
  teacherPrompts: readonly EncodedPrompt[],
  grade: Grader | undefined,
): Omit<StepMetrics, "step" | "optimiser" | "system"> {
  const lengths = Int32Array.from(completions, (completion) => completion.tokens.length);
  const grades = grade === undefined ? undefined : completions.map(({ source }, i) => grade(texts[i]!, source.example));
  const { weights } = tokens;
  const ratio = tokens.ratio && describeNumbers(tokens.ratio.filter((_, i) => weights[i]! > 0));
  return {
    signal: {
      ...signalMetrics(tokens, lengths),
      ...(tokens.informationGain !== undefined && { informationGain: tokens.informationGain }),
    },
    policy: {
      entropy: known(summarizeTokens(tokens.entropy, { lengths, tokenWeights: weights }).tokenMean),
      samplerDifference: samplerDifference(completions, tokens),
      ...(ratio && { rhoMean: ratio.mean, rhoMax: ratio.max }),
      ...tokens.bounds,
    },
    rollout: rolloutMetrics(completions, weights),
    format: { ...formatMetrics(texts) },
    ...(grades && {
      task: {
        accuracy: mean(grades.map(({ correct }) => (correct ? 1 : 0))),
        unparsableRate: mean(grades.map(({ parsed }) => (parsed ? 0 : 1))),
      },
    }),
    data: dataMetrics(batch, teacherPrompts),
  };
}
