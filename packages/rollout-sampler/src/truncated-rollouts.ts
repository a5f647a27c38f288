import { ImagineOpdError, type Rollout } from "@imagine-opd/protocol";

/**
 * What counts of a rollout that hit the length limit.
 *
 * - `keep`: all of it (the published runs)
 * - `mask-last`: all but its last token, after which the model would have gone on
 * - `drop`: nothing
 * - `down-weight`: all of it, each token with this weight, above 0 and below 1
 */
export type TruncatedPolicy = "keep" | "mask-last" | "drop" | { readonly kind: "down-weight"; readonly weight: number };

export interface TruncatedRollouts {
  /** One array a rollout, `[T]`: 1 where a token counts, 0 where it does not, or the weight of `down-weight`. */
  readonly tokenWeights: readonly Float32Array[];
  /** Rollouts that hit the limit. */
  readonly count: number;
  /** Their share of all rollouts, 0 to 1; 0 without rollouts. */
  readonly rate: number;
}

/**
 * Which tokens count, for a loss's `tokenWeights`. A rollout without an end teaches its tokens like any other, but a run
 * whose rollouts mostly have none is ill: the rate belongs in its log.
 * @throws invalid-argument for an unknown policy, or a rollout that was aborted, which is no sample of the policy
 */
export function weighTruncated(
  rollouts: readonly Pick<Rollout, "recordId" | "completion" | "stopReason">[],
  policy: TruncatedPolicy,
): TruncatedRollouts {
  checkTruncatedPolicy(policy);
  const aborted = rollouts.find(({ stopReason }) => stopReason === "aborted");
  if (aborted !== undefined) fail(`the rollout of record \`${aborted.recordId}\` was aborted.`, "Leave it out.");
  const tokenWeights = rollouts.map(({ completion, stopReason }) => {
    const weights = new Float32Array(completion.length);
    if (stopReason === "stop" || policy === "keep") return weights.fill(1);
    if (typeof policy === "object") return weights.fill(policy.weight);
    return policy === "mask-last" ? weights.fill(1, 0, completion.length - 1) : weights;
  });
  const count = rollouts.filter(({ stopReason }) => stopReason === "length").length;
  return { tokenWeights, count, rate: rollouts.length === 0 ? 0 : count / rollouts.length };
}

function checkTruncatedPolicy(policy: TruncatedPolicy): void {
  if (typeof policy === "string" && ["keep", "mask-last", "drop"].includes(policy)) return;
  if (typeof policy === "object" && policy.kind === "down-weight" && policy.weight > 0 && policy.weight < 1) return;
  fail(
    "`policy` must be keep, mask-last, drop, or down-weight with a weight above 0 and below 1, " +
      `got ${typeof policy === "object" ? JSON.stringify(policy) : policy}.`,
  );
}

function fail(problem: string, remedy?: string): never {
  throw new ImagineOpdError("invalid-argument", { where: "rollout-sampler.weighTruncated", problem, remedy });
}
