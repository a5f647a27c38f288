import * as tf from "@tensorflow/tfjs-core";
import { takeActiveLogProbs, takeActiveNumbers } from "./active-rows.ts";
import { importanceRatio, largestLogRatio } from "./importance-ratio.ts";
import { refuseArgument } from "./refuse-argument.ts";
import { requirePositive } from "./require-number.ts";
import type { Range, RowPlan } from "./row-plan.ts";
import type { Columns } from "./statistics.ts";
import type { Surrogate } from "./token-objective.ts";

/** Bounds of PPO's clipped objective (Schulman et al., arXiv 1707.06347; dual clip: Ye et al., arXiv 1912.09729). */
export interface RatioClip {
  /** ρ counts as no less than 1 − low. Imagine-OPD uses 0.2. */
  readonly low: number;
  /** ρ counts as no more than 1 + high. Imagine-OPD uses 0.3. */
  readonly high: number;
  /** For a negative advantage A the loss is at most −dual·A. Imagine-OPD uses 3. @default no such bound */
  readonly dual?: number;
}

export interface RatioOptions {
  /**
   * `[N]` log-probs of the tokens under the weights that sampled them, for the importance ratio ρ: at the loss's
   * temperature and with the same ids banned, or ρ is not 1 on policy.
   * @default ρ = 1
   */
  readonly samplingLogProbs?: Float32Array;
  /** Bounds on ρ; without effect while ρ = 1. @default not clipped */
  readonly clip?: RatioClip;
}

export interface AdvantageOptions {
  /**
   * `[N]` numbers b that are taken off the advantages; constants. A baseline that does not depend on the sampled token leaves
   * the expected gradient as it is; −KL(student‖teacher) of the row, the advantage's mean, takes most of its variance.
   * @default 0
   */
  readonly baseline?: Float32Array;
  /** Advantages are held within ±advantageClip, in nats, the baseline taken off. @default not clipped */
  readonly advantageClip?: number;
}

/** −ln S(y): slope −1. */
export const crossEntropySurrogate: Surrogate = {
  statistics: ["value", "slope"],
  evaluate: (logProbs) => ({ value: tf.neg(logProbs), slope: tf.fill(logProbs.shape, -1) }),
};

/** −A·ρ with given advantages A and ρ = e^(s − s_sampling), clipped where asked. */
export function policyGradientSurrogate(plan: RowPlan, advantages: Float32Array, options: RatioOptions): Surrogate {
  const active = takeActiveNumbers(plan, "advantages", advantages);
  return ratioSurrogate(plan, (_, { from, to }) => tf.tensor1d(active.subarray(from, to)), options);
}

/** −A·ρ with A = t − s − b as a constant: the policy gradient of KL(student‖teacher). */
export function sampledReverseKlSurrogate(
  plan: RowPlan,
  teacherLogProbs: Float32Array,
  options: RatioOptions & AdvantageOptions,
): Surrogate {
  const { advantageClip } = options;
  const given = takeActiveLogProbs(plan, "teacherLogProbs", teacherLogProbs);
  const baseline = options.baseline && takeActiveNumbers(plan, "baseline", options.baseline);
  const targets = baseline === undefined ? given : given.map((logProb, i) => logProb - baseline[i]!);
  const advantagesOf = (logProbs: tf.Tensor1D, { from, to }: Range): tf.Tensor1D =>
    tf.sub(tf.tensor1d(targets.subarray(from, to)), logProbs);
  if (advantageClip === undefined)
    return { ...ratioSurrogate(plan, advantagesOf, options), given: { teacherLogProb: given } };
  requirePositive(plan.where, "advantageClip", advantageClip);
  const clipped = ratioSurrogate(
    plan,
    (logProbs, chunk) => tf.clipByValue(advantagesOf(logProbs, chunk), -advantageClip, advantageClip),
    options,
  );
  return {
    statistics: [...clipped.statistics, "advantageClip"],
    given: { teacherLogProb: given },
    evaluate: (logProbs, chunk) => ({
      ...clipped.evaluate(logProbs, chunk),
      advantageClip: tf.step(tf.sub(tf.abs(advantagesOf(logProbs, chunk)), advantageClip)),
    }),
  };
}

function ratioSurrogate(
  plan: RowPlan,
  advantagesOf: (logProbs: tf.Tensor1D, chunk: Range) => tf.Tensor1D,
  { samplingLogProbs, clip }: RatioOptions,
): Surrogate {
  if (clip !== undefined) checkClip(plan.where, clip);
  const sampling =
    samplingLogProbs === undefined ? undefined : takeActiveLogProbs(plan, "samplingLogProbs", samplingLogProbs);
  return {
    statistics: ["value", "slope", "ratio", ...(clip === undefined ? [] : (["clip"] as const))],
    evaluate(logProbs, chunk) {
      const advantages = advantagesOf(logProbs, chunk);
      const logRatio =
        sampling === undefined
          ? tf.zerosLike(logProbs)
          : tf.sub<tf.Tensor1D>(logProbs, tf.tensor1d(sampling.subarray(chunk.from, chunk.to)));
      const ratio = importanceRatio(logRatio);
      const plain = tf.neg(tf.mul<tf.Tensor1D>(advantages, ratio));
      const slope = tf.mul<tf.Tensor1D>(plain, tf.cast(tf.less(tf.abs(logRatio), largestLogRatio), "float32"));
      return { value: plain, slope, ratio, ...(clip && clipSurrogate({ plain, slope, advantages, ratio }, clip)) };
    },
  };
}

/** max(−A·ρ, −A·clip(ρ)), for A < 0 at most −dual·A; no slope where a bound acts; and which one does. */
function clipSurrogate(
  { plain, slope, advantages, ratio }: Record<"plain" | "slope" | "advantages" | "ratio", tf.Tensor1D>,
  { low, high, dual }: RatioClip,
): Columns {
  const bounded = tf.neg(tf.mul<tf.Tensor1D>(advantages, tf.clipByValue(ratio, 1 - low, 1 + high)));
  const byRatio = tf.cast(tf.greater<tf.Tensor1D>(bounded, plain), "float32");
  const larger = tf.maximum<tf.Tensor1D>(plain, bounded);
  const unlessCut = (clip: tf.Tensor) => tf.mul(slope, tf.cast(tf.equal(clip, 0), "float32"));
  if (dual === undefined) return { value: larger, clip: byRatio, slope: unlessCut(byRatio) };
  const cap = tf.mul<tf.Tensor1D>(advantages, -dual);
  const aboveCap = tf.logicalAnd<tf.Tensor1D>(tf.less(advantages, 0), tf.greater(larger, cap));
  const clip = tf.where(aboveCap, tf.fill(cap.shape, 2), byRatio);
  return { value: tf.where(aboveCap, cap, larger), clip, slope: unlessCut(clip) };
}

function checkClip(where: string, { low, high, dual = 2 }: RatioClip): void {
  if (low > 0 && low < 1 && high > 0 && Number.isFinite(high) && dual > 1 && Number.isFinite(dual)) return;
  refuseArgument(where, `clip needs 0 < low < 1, high > 0 and dual > 1, got low ${low}, high ${high}, dual ${dual}.`);
}
