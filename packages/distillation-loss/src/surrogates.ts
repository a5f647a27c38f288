import * as tf from "@tensorflow/tfjs-core";
import { takeActiveLogProbs, takeActiveNumbers } from "./active-rows.ts";
import { refuseArgument } from "./refuse-argument.ts";
import type { RowChunk, RowPlan } from "./row-plan.ts";
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

/** −ln S(y): slope −1. */
export const crossEntropySurrogate: Surrogate = {
  statistics: ["value", "slope"],
  evaluate: (logProbs) => [tf.neg(logProbs), tf.fill(logProbs.shape, -1) as tf.Tensor1D],
};

/** −A·ρ with given advantages A and ρ = e^(s − s_sampling), clipped where asked. */
export function policyGradientSurrogate(plan: RowPlan, advantages: Float32Array, options: RatioOptions): Surrogate {
  const active = takeActiveNumbers(plan, "advantages", advantages);
  return ratioSurrogate(plan, (_, { from, to }) => tf.tensor1d(active.subarray(from, to)), options);
}

/** −A·ρ with A = t − s as a constant: the policy gradient of KL(student‖teacher). */
export function sampledReverseKlSurrogate(
  plan: RowPlan,
  teacherLogProbs: Float32Array,
  options: RatioOptions,
): Surrogate {
  const active = takeActiveLogProbs(plan, "teacherLogProbs", teacherLogProbs);
  const advantagesOf = (logProbs: tf.Tensor1D, { from, to }: RowChunk): tf.Tensor1D =>
    tf.sub(tf.tensor1d(active.subarray(from, to)), logProbs);
  return { ...ratioSurrogate(plan, advantagesOf, options), given: { teacherLogProb: active } };
}

// Beyond e^±20 the ratio stays where it is and gives no gradient.
const largestLogRatio = 20;

function ratioSurrogate(
  plan: RowPlan,
  advantagesOf: (logProbs: tf.Tensor1D, chunk: RowChunk) => tf.Tensor1D,
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
      const ratio = tf.exp(tf.clipByValue(logRatio, -largestLogRatio, largestLogRatio));
      const plain = tf.neg(tf.mul<tf.Tensor1D>(advantages, ratio));
      const slope = tf.mul<tf.Tensor1D>(plain, tf.cast(tf.less(tf.abs(logRatio), largestLogRatio), "float32"));
      if (clip === undefined) return [plain, slope, ratio];
      const { value, clipped } = clipSurrogate(plain, advantages, ratio, clip);
      return [value, tf.mul(slope, tf.cast(tf.equal(clipped, 0), "float32")), ratio, clipped];
    },
  };
}

/** max(−A·ρ, −A·clip(ρ)), for A < 0 at most −dual·A; and which bound acts. */
function clipSurrogate(
  plain: tf.Tensor1D,
  advantages: tf.Tensor1D,
  ratio: tf.Tensor1D,
  { low, high, dual }: RatioClip,
): { value: tf.Tensor1D; clipped: tf.Tensor1D } {
  const bounded = tf.neg(tf.mul<tf.Tensor1D>(advantages, tf.clipByValue(ratio, 1 - low, 1 + high)));
  const byRatio = tf.cast(tf.greater<tf.Tensor1D>(bounded, plain), "float32");
  const larger = tf.maximum<tf.Tensor1D>(plain, bounded);
  if (dual === undefined) return { value: larger, clipped: byRatio };
  const cap = tf.mul<tf.Tensor1D>(advantages, -dual);
  const aboveCap = tf.logicalAnd<tf.Tensor1D>(tf.less(advantages, 0), tf.greater(larger, cap));
  return { value: tf.where(aboveCap, cap, larger), clipped: tf.where(aboveCap, tf.fill(cap.shape, 2), byRatio) };
}

function checkClip(where: string, { low, high, dual = 2 }: RatioClip): void {
  if (low > 0 && low < 1 && high > 0 && Number.isFinite(high) && dual > 1 && Number.isFinite(dual)) return;
  refuseArgument(where, `clip needs 0 < low < 1, high > 0 and dual > 1, got low ${low}, high ${high}, dual ${dual}.`);
}
