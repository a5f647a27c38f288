import { alarmWindow, findCollapses, meanOf } from "./collapse.ts";
import type { LoggedStep } from "./read-metrics.ts";
import type { MetricGroupName } from "./step-metrics.ts";

/**
 * Signs that a run went wrong, one sentence each. From its first ten steps against its last ten, in a run of ten at least:
 *
 * - collapse: accuracy of the rollouts fell below half, from a tenth at least. Where the signal fell below a tenth with it, the
 *   teacher followed the student
 * - answers with a closed tag fell below half, or the student's entropy below a tenth
 * - more than half of the last completions reach the length limit
 *
 * From all steps, however few: updates skipped, numbers that were not finite.
 */
export function findAlarms(steps: readonly LoggedStep[]): string[] {
  const alarms = steps.length < alarmWindow ? [] : compareEnds(steps.slice(0, alarmWindow), steps.slice(-alarmWindow));
  const skipped = Math.max(0, ...steps.map((step) => Number(step.optimiser?.skippedSteps ?? 0)));
  if (skipped > 0) alarms.push(`${skipped} updates were skipped because a gradient was not finite.`);
  const nonFinite = steps.filter((step) => (step.nonFinite?.length ?? 0) > 0).length;
  if (nonFinite > 0) alarms.push(`${nonFinite} steps logged numbers that were not finite.`);
  return alarms;
}

const fellToATenth = (before: number | undefined, after: number | undefined): boolean =>
  before !== undefined && after !== undefined && Math.abs(after) < 0.1 * Math.abs(before);

const words = (before: number, after: number): string => `from ${before.toPrecision(3)} to ${after.toPrecision(3)}`;

function compareEnds(first: readonly LoggedStep[], last: readonly LoggedStep[]): string[] {
  const ends = (group: MetricGroupName, name: string) =>
    [meanOf(first, group, name), meanOf(last, group, name)] as const;
  const collapses = findCollapses(first, last).map(({ what, from, to, signal }) => {
    if (what === "answers with a closed tag") return `Completions lose their form: ${what} fell ${words(from, to)}.`;
    if (!fellToATenth(...signal)) return `Collapse: accuracy fell ${words(from, to)}.`;
    return `Collapse: the signal fell ${words(...signal)} nats per token while accuracy fell ${words(from, to)}.`;
  });
  const entropy = ends("policy", "entropy");
  const truncated = meanOf(last, "rollout", "truncatedShare");
  return [
    ...collapses,
    ...(fellToATenth(...entropy)
      ? [`The student's entropy fell ${words(entropy[0]!, entropy[1]!)} nats per token.`]
      : []),
    ...(truncated !== undefined && truncated > 0.5
      ? [`${(100 * truncated).toFixed(0)} % of the last completions reach the length limit.`]
      : []),
  ];
}
