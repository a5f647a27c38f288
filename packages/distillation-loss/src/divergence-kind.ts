import { refuseArgument } from "./refuse-argument.ts";

/**
 * How far apart two next-token distributions are, in nats. S is the student's, T the teacher's.
 *
 * - `reverse-kl`: KL(student‖teacher) = Σ S (ln S − ln T); seeks the teacher's modes
 * - `forward-kl`: KL(teacher‖student) = Σ T (ln T − ln S); covers the teacher's mass
 * - `jsd`: generalised Jensen–Shannon divergence β·KL(T‖M) + (1−β)·KL(S‖M) with M = (1−β)·S + β·T
 *   (Agarwal et al., arXiv 2306.13649; β oriented as in TRL). It vanishes at both ends of β.
 * - `skew-jsd`: the same M with the weights exchanged, (1−β)·KL(T‖M) + β·KL(S‖M) (modelscope/ms-swift #10213). It tends to
 *   the forward KL for β → 0 and to the reverse KL for β → 1.
 *
 * 0 < β < 1: the ends are kinds of their own. Where S ≈ T all are multiples of one quadratic form Q: the KLs are Q, the jsd
 * β(1−β)·Q and the skew-jsd (1 − 3β(1−β))·Q, so that β is a hidden factor of the learning rate. `normalize: "endpoint"`
 * divides by it, which makes both families pass continuously into the KLs at the ends of β.
 */
export type Divergence =
  | { readonly kind: "reverse-kl" }
  | { readonly kind: "forward-kl" }
  | {
      readonly kind: "jsd" | "skew-jsd";
      readonly beta: number;
      /** @default "none" */
      readonly normalize?: "none" | "endpoint";
    };

/** Refuses what is not a {@link Divergence}. */
export function checkDivergence(where: string, divergence: Divergence): void {
  const kind: string = divergence.kind;
  if (kind === "reverse-kl" || kind === "forward-kl") return;
  if (divergence.kind !== "jsd" && divergence.kind !== "skew-jsd")
    refuseArgument(
      where,
      `divergence.kind must be "reverse-kl", "forward-kl", "jsd" or "skew-jsd", got ${JSON.stringify(kind)}.`,
      kind === "k1"
        ? "k1 has an expected gradient of 0; the sampled form of the reverse KL is sampledReverseKl."
        : undefined,
    );
  const { beta, normalize = "none" } = divergence;
  if (!(beta > 0 && beta < 1))
    refuseArgument(
      where,
      `beta of the ${kind} must be above 0 and below 1, got ${beta}.`,
      `${kind === "jsd" ? "The jsd vanishes at both ends: use" : "At the ends use"} kind "forward-kl" (beta towards 0) or "reverse-kl" (beta towards 1).`,
    );
  if (normalize !== "none" && normalize !== "endpoint")
    refuseArgument(where, `normalize must be "none" or "endpoint", got ${JSON.stringify(normalize)}.`);
}
