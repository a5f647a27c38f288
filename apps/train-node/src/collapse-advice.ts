import type { TeacherKind } from "@imagine-opd/privileged-teacher";
import type { Collapse } from "@imagine-opd/run-log";

/** What to do about a collapse. */
export function adviseOn({ step, what, from, to, signal }: Collapse, teacher: TeacherKind["kind"]): string {
  const percent = (rate: number) => `${(100 * rate).toFixed(0)} %`;
  const [then, now] = signal;
  const went = Number.isNaN(then + now)
    ? ""
    : `, the signal went from ${then.toFixed(3)} to ${now.toFixed(3)} nats a token`;
  const seen = `collapse at step ${step}: ${what} fell from ${percent(from)} to ${percent(to)} of the rollouts${went}.`;
  const remedy =
    teacher === "frozen" || teacher === "trust-region"
      ? "Check that the views belong to the pictures, and lower the learning rate."
      : `The teacher (${teacher}) follows the student and confirms whatever it drifts to. Take one that stands still (frozen: the default of the preset imagine-opd), or a slower average.`;
  return `${seen} ${remedy}`;
}
