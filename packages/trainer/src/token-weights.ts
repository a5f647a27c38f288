import { ImagineOpdError } from "@imagine-opd/protocol";
import { weighTruncated } from "@imagine-opd/rollout-sampler";
import type { Completion } from "./collect-completions.ts";
import type { TrainSettings } from "./settings.ts";

/**
 * `[N]` how much a step's tokens count: 1, or 0 for what `truncated` and `skipFirst` leave out, or what `truncated` says. Given completions count as a
 * whole.
 * @param left completions that do not count; a step may consist of them alone, and then changes nothing but by momentum and decay
 * @throws invalid-data when no token is left to learn from
 */
export function weighCompletions(
  completions: readonly Completion[],
  { objective, truncated, skipFirst }: Pick<TrainSettings, "objective" | "truncated" | "skipFirst">,
  left: ReadonlySet<Completion> = new Set(),
): Float32Array {
  const rollouts = completions.flatMap(({ rollout }) => (rollout === undefined ? [] : [rollout]));
  const { tokenWeights, count } = weighTruncated(rollouts, truncated);
  const skipped = objective.kind === "opd" ? skipFirst : 0;
  const weights = Float32Array.from(
    completions.flatMap(({ tokens }, i) =>
      Array.from(tokens, (_, t) => (t < skipped ? 0 : (tokenWeights[i]?.[t] ?? 1))),
    ),
  );
  if (weights.some((weight) => weight > 0)) return leaveOut(weights, completions, left);
  throw new ImagineOpdError("invalid-data", {
    where: "trainer.trainStep",
    problem: `none of the step's ${weights.length} tokens counts (${count} of ${rollouts.length} rollouts hit the length limit, truncated is ${JSON.stringify(truncated)}, skipFirst ${skipFirst}).`,
    remedy: 'Raise maxTokens, lower skipFirst, or set truncated to "keep".',
    details: { tokens: weights.length, truncatedRollouts: count, truncated, skipFirst },
  });
}

function leaveOut(
  weights: Float32Array,
  completions: readonly Completion[],
  left: ReadonlySet<Completion>,
): Float32Array {
  let from = 0;
  for (const completion of completions) {
    const to = from + completion.tokens.length;
    if (left.has(completion)) weights.fill(0, from, to);
    from = to;
  }
  return weights;
}
