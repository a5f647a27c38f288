import type { LoggedStep } from "./read-metrics.ts";
import type { MetricGroupName } from "./step-metrics.ts";

/** Steps at each end of a run that are compared: a tenth, at least this many. */
const leastSteps = 5;

/** Mean of a metric over steps; `undefined` where none logged it as a finite number. */
function meanOf(steps: readonly LoggedStep[], group: MetricGroupName, name: string): number | undefined {
  const values = steps.flatMap((step) => {
    const value = step[group]?.[name];
    return typeof value === "number" && Number.isFinite(value) ? [value] : [];
  });
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/**
 * Signs that a run went wrong, one sentence each, from its first tenth of steps against its last (five steps at least;
 * shorter runs than ten give none of these):
 *
 * - collapse: the signal fell below a tenth of what it was while accuracy of the rollouts fell below half (a teacher that
 *   follows the student)
 * - answers with a closed tag fell below half, or the student's entropy below a tenth
 * - more than half of the completions reach the length limit
 * - in the whole run: updates skipped, numbers that were not finite
 */
export function findAlarms(steps: readonly LoggedStep[]): string[] {
  const edge = Math.max(leastSteps, Math.floor(steps.length / 10));
  const alarms = steps.length < 2 * edge ? [] : compareEnds(steps.slice(0, edge), steps.slice(-edge));
  const skipped = Math.max(0, ...steps.map((step) => Number(step.optimiser?.skippedSteps ?? 0)));
  if (skipped > 0) alarms.push(`${skipped} updates were skipped because a gradient was not finite.`);
  const nonFinite = steps.filter((step) => (step.nonFinite?.length ?? 0) > 0).length;
  if (nonFinite > 0) alarms.push(`${nonFinite} steps logged numbers that were not finite.`);
  return alarms;
}

function compareEnds(first: readonly LoggedStep[], last: readonly LoggedStep[]): string[] {
  const ends = (group: MetricGroupName, name: string) =>
    [meanOf(first, group, name), meanOf(last, group, name)] as const;
  const fell = ([before, after]: readonly [number | undefined, number | undefined], share: number): boolean =>
    before !== undefined && after !== undefined && Math.abs(after) < share * Math.abs(before);
  const words = ([before, after]: readonly [number | undefined, number | undefined]) =>
    `from ${before!.toPrecision(3)} to ${after!.toPrecision(3)}`;
  const signal = ends("signal", "k1TokenMean");
  const accuracy = ends("task", "accuracy");
  const tags = ends("format", "answerTagRate");
  const entropy = ends("policy", "entropy");
  const truncated = meanOf(last, "rollout", "truncatedShare");
  return [
    ...(fell(signal, 0.1) && fell(accuracy, 0.5)
      ? [`Collapse: the signal fell ${words(signal)} nats per token while accuracy fell ${words(accuracy)}.`]
      : []),
    ...(fell(tags, 0.5) ? [`Completions lose their form: answers with a closed tag fell ${words(tags)}.`] : []),
    ...(fell(entropy, 0.1) ? [`The student's entropy fell ${words(entropy)} nats per token.`] : []),
    ...(truncated !== undefined && truncated > 0.5
      ? [`${(100 * truncated).toFixed(0)} % of the last completions reach the length limit.`]
      : []),
  ];
}
