import { ImagineOpdError } from "@imagine-opd/protocol";
import { weighTruncated } from "@imagine-opd/rollout-sampler";
import type { Completion } from "./collect-completions.ts";
import type { TrainSettings } from "./settings.ts";

/**
 * `[N]` which of a step's tokens count: 1, or 0 for what `truncated` and `skipFirst` leave out. Given completions count as a
 * whole.
 * @throws invalid-argument for a `skipFirst` that is no number of tokens; invalid-data when no token is left to learn from
 */
export function weighCompletions(
  completions: readonly Completion[],
  { objective, truncated, skipFirst }: Pick<TrainSettings, "objective" | "truncated" | "skipFirst">,
): Float32Array {
  if (!Number.isSafeInteger(skipFirst) || skipFirst < 0) {
    throw new ImagineOpdError("invalid-argument", {
      where: "trainer.trainStep",
      problem: `skipFirst must be an integer ≥ 0, got ${skipFirst}.`,
    });
  }
  const rollouts = completions.flatMap(({ rollout }) => (rollout === undefined ? [] : [rollout]));
  const { tokenWeights, count } = weighTruncated(rollouts, truncated);
  const skipped = objective.kind === "opd" ? skipFirst : 0;
  const weights = Float32Array.from(
    completions.flatMap(({ tokens }, i) =>
      Array.from(tokens, (_, t) => (t < skipped ? 0 : (tokenWeights[i]?.[t] ?? 1))),
    ),
  );
  if (weights.some((weight) => weight > 0)) return weights;
  throw new ImagineOpdError("invalid-data", {
    where: "trainer.trainStep",
    problem: `none of the step's ${weights.length} tokens counts (${count} of ${rollouts.length} rollouts hit the length limit, truncated is "${truncated}", skipFirst ${skipFirst}).`,
    remedy: 'Raise maxTokens, lower skipFirst, or set truncated to "keep".',
    details: { tokens: weights.length, truncatedRollouts: count, truncated, skipFirst },
  });
}
