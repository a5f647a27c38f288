import * as tf from '@tensorflow/tfjs-core';
import { Scalar, Tensor2D } from '@tensorflow/tfjs-core';
import { Head, WeightView } from '@imagine-opd/protocol/policy';

/** Options that every loss takes. */
interface RowOptions {
    /** Divides all logits, the student's and the teacher's. @default 1 */
    readonly temperature?: number;
    /**
     * `[N]` weight of each token, 0 = masked. Rows with weight 0 are never read: they may hold NaN or infinity.
     * @default 1 for every token
     */
    readonly tokenWeights?: Float32Array;
    /**
     * What the weighted sum over tokens is divided by. When a batch is split into micro-batches, give each of them the
     * token count of the whole batch.
     * @default the number of tokens with a weight above 0
     */
    readonly normalizer?: number;
    /** Token ids that are removed from every distribution. @default none */
    readonly banned?: Int32Array;
    /** Rows whose `[rows, V]` logits are in memory at once. @default as many as fit in 32 MiB, at least 1 */
    readonly chunkRows?: number;
}

/** A loss and what it saw at each token. */
interface DistillationResult {
    /** Σ weight · value / normalizer. Differentiable; the caller's (or its `tf.tidy`'s) to dispose. */
    readonly loss: Scalar;
    /**
     * Copies the per-token statistics to the host, once, and frees them on the device. Rejects with `non-finite` where a
     * value is infinite (one model gives no probability to a token that the other can produce), with `disposed` after
     * `dispose()`.
     */
    readTokens(): Promise<TokenReport>;
    /** Frees the per-token statistics if they were not read. Safe to call more than once. */
    dispose(): void;
}
/** `[N]` statistics of the tokens in nats, 0 in masked rows; those a loss does not know are absent. */
interface TokenReport {
    /** What the loss is the weighted mean of: the divergence, the policy-gradient surrogate (k1 while ρ = 1), or −ln S(y). */
    readonly values: Float32Array;
    readonly studentEntropy: Float32Array;
    readonly teacherEntropy?: Float32Array;
    /** ln S(y). */
    readonly studentLogProbs?: Float32Array;
    /** ln T(y). */
    readonly teacherLogProbs?: Float32Array;
    /** k1 = ln S(y) − ln T(y); −k1 is the advantage of Imagine-OPD. */
    readonly logRatio?: Float32Array;
    /** Importance ratio ρ. */
    readonly ratio?: Float32Array;
    readonly counts: {
        /** Tokens with a weight above 0. */
        readonly tokens: number;
        /** Tokens with weight 0. */
        readonly masked: number;
        /** Of `tokens`: those whose row has no possible token. They add 0 to the loss. */
        readonly empty: number;
        /** Of `tokens`: those whose value is NaN. */
        readonly notANumber: number;
    };
    /** Share of `tokens`, 0 to 1, whose gradient is cut off by the ratio's bounds, and by the dual bound. */
    readonly clipFractions?: {
        readonly ratio: number;
        readonly dual: number;
    };
}

/** The student's head, for losses that take hidden states. */
interface HeadOptions {
    readonly head: Head;
    /**
     * The policy's trainable weights. Those that `head.trainable` names become inputs of the loss, so that their gradient
     * arrives on the tape like any other.
     */
    readonly trainable: Readonly<Record<string, tf.Tensor>>;
}
/** Whose distribution the student is compared with. */
interface TeacherStates {
    /** `[N, D]` hidden states that predict the same tokens; a constant. */
    readonly states: tf.Tensor2D;
    /** @default the student's head */
    readonly head?: Head;
    /** Which weights of the head the teacher uses. */
    readonly weights: WeightView;
}

interface CrossEntropyOptions extends RowOptions {
    /** `[N]` target ids. */
    readonly tokens: Int32Array;
}
interface CrossEntropyThroughHeadOptions extends CrossEntropyOptions, HeadOptions {
}
/** Weighted mean of −ln S(y) for given tokens y, from `[N, V]` logits, in nats. Differentiable in `logits`. */
declare function crossEntropy(logits: Tensor2D, options: CrossEntropyOptions): DistillationResult;
/** The same from `[N, D]` hidden states. Differentiable in `states` and in the head's trainable weights. */
declare function crossEntropyThroughHead(states: Tensor2D, options: CrossEntropyThroughHeadOptions): DistillationResult;

/**
 * How far apart two next-token distributions are, in nats. S is the student's, T the teacher's.
 *
 * - `reverse-kl`: KL(student‖teacher) = Σ S (ln S − ln T); seeks the teacher's modes
 * - `forward-kl`: KL(teacher‖student) = Σ T (ln T − ln S); covers the teacher's mass
 * - `jsd`: generalised Jensen–Shannon divergence β·KL(T‖M) + (1−β)·KL(S‖M) with M = (1−β)·S + β·T, 0 < β < 1
 *   (Agarwal et al., arXiv 2306.13649; β oriented as in TRL). It vanishes at both ends of β, which are refused: the two
 *   KLs are kinds of their own.
 */
type Divergence = {
    readonly kind: "reverse-kl";
} | {
    readonly kind: "forward-kl";
} | {
    readonly kind: "jsd";
    readonly beta: number;
};

interface DivergenceOptions extends RowOptions {
    readonly divergence: Divergence;
    /** `[N]` ids of the completion, for their log-probs in the report. Without effect on the loss. @default not reported */
    readonly tokens?: Int32Array;
}
interface DivergenceThroughHeadOptions extends DivergenceOptions, HeadOptions {
    readonly teacher: TeacherStates;
}
/**
 * Weighted mean over the rows of a divergence between the full next-token distributions of two `[N, V]` logits, in nats.
 * Differentiable in `student` only; a gradient asked of `teacher` throws. Logits of -Infinity stand for impossible tokens.
 */
declare function divergence(student: Tensor2D, teacher: Tensor2D, options: DivergenceOptions): DistillationResult;
/**
 * The same from the student's `[N, D]` hidden states and the teacher's, both sent through a language-model head in chunks
 * of rows. Differentiable in `states` and in the head's trainable weights.
 */
declare function divergenceThroughHead(states: Tensor2D, options: DivergenceThroughHeadOptions): DistillationResult;

/**
 * Single-sample estimators of KL(student‖teacher) (Schulman, "Approximating KL divergence", 2020), for y ~ student:
 *
 * - `k1` = s − t: unbiased, of either sign. A metric and, negated, an advantage. Never a loss: the gradient of its sample
 *   mean has expectation 0.
 * - `k2` = ½(s − t)²: biased as a value; differentiated directly it gives the gradient of the reverse KL.
 * - `k3` = e^(t−s) − 1 − (t−s): unbiased, never negative. A metric; differentiated directly it gives the gradient of the
 *   *forward* KL(teacher‖student).
 */
type ReverseKlEstimator = "k1" | "k2" | "k3";
/** `[N]` estimates in nats, from `[N]` log-probs of the student's own samples. Host numbers: nothing here is differentiable. */
declare function estimateReverseKl(estimator: ReverseKlEstimator, studentLogProbs: Float32Array, teacherLogProbs: Float32Array): Float32Array;

/** Bounds of PPO's clipped objective (Schulman et al., arXiv 1707.06347; dual clip: Ye et al., arXiv 1912.09729). */
interface RatioClip {
    /** ρ counts as no less than 1 − low. Imagine-OPD uses 0.2. */
    readonly low: number;
    /** ρ counts as no more than 1 + high. Imagine-OPD uses 0.3. */
    readonly high: number;
    /** For a negative advantage A the loss is at most −dual·A. Imagine-OPD uses 3. @default no such bound */
    readonly dual?: number;
}
interface RatioOptions {
    /**
     * `[N]` log-probs of the tokens under the weights that sampled them, for the importance ratio ρ: at the loss's
     * temperature and with the same ids banned, or ρ is not 1 on policy.
     * @default ρ = 1
     */
    readonly samplingLogProbs?: Float32Array;
    /** Bounds on ρ; without effect while ρ = 1. @default not clipped */
    readonly clip?: RatioClip;
}

interface PolicyGradientOptions extends RowOptions, RatioOptions {
    /** `[N]` sampled ids. */
    readonly tokens: Int32Array;
    /** `[N]` advantages A, one a token; constants. */
    readonly advantages: Float32Array;
}
interface PolicyGradientThroughHeadOptions extends PolicyGradientOptions, HeadOptions {
}
/**
 * Weighted mean of −A·ρ over sampled tokens, from `[N, V]` logits, with ρ = S(y) / S_sampling(y). Its gradient is
 * −A·ρ·∂ ln S(y), cut off where a bound of `clip` acts. Differentiable in `logits`.
 */
declare function policyGradient(logits: Tensor2D, options: PolicyGradientOptions): DistillationResult;
/** The same from `[N, D]` hidden states. Differentiable in `states` and in the head's trainable weights. */
declare function policyGradientThroughHead(states: Tensor2D, options: PolicyGradientThroughHeadOptions): DistillationResult;

interface SampledReverseKlOptions extends RowOptions, RatioOptions {
    /** `[N]` ids that the student sampled. */
    readonly tokens: Int32Array;
    /** `[N]` the teacher's log-probs of them, at the same temperature and with the same ids banned. */
    readonly teacherLogProbs: Float32Array;
}
interface SampledReverseKlThroughHeadOptions extends SampledReverseKlOptions, HeadOptions {
}
/**
 * Policy gradient of KL(student‖teacher) on the sampled tokens, the objective of Imagine-OPD (arXiv 2606.08719), from the
 * student's `[N, V]` logits. With the advantage A = ln T(y) − ln S(y), a constant, the loss is the weighted mean of −A·ρ
 * and its gradient −A·ρ·∂ ln S(y), whose expectation over y ~ S is the gradient of the full reverse KL. While ρ = 1 the
 * value is the mean of k1 = ln S(y) − ln T(y). Differentiable in `student`.
 */
declare function sampledReverseKl(student: Tensor2D, options: SampledReverseKlOptions): DistillationResult;
/** The same from the student's `[N, D]` hidden states. Differentiable in `states` and in the head's trainable weights. */
declare function sampledReverseKlThroughHead(states: Tensor2D, options: SampledReverseKlThroughHeadOptions): DistillationResult;

interface SummarizeTokensOptions {
    /** `[B]` tokens of each sequence, `N = Σ T`; the sequences stand one after the other. */
    readonly lengths: Int32Array;
    /** `[N]` tokens with weight 0 are left out; other weights do not matter. @default every token counts */
    readonly tokenWeights?: Float32Array;
}
/** How a per-token quantity is spread over a batch. `null` where no token counts. */
interface TokenSummary {
    /** Mean over all tokens. */
    readonly tokenMean: number | null;
    /** Mean over sequences of each sequence's token mean; sequences without a token that counts are left out. */
    readonly sequenceMean: number | null;
    /** Mean over sequences of the value at position 0. */
    readonly firstTokenMean: number | null;
    readonly minimum: number | null;
    readonly maximum: number | null;
    /** Population standard deviation over all tokens. */
    readonly standardDeviation: number | null;
    /** Share of tokens with a value above 0, 0 to 1. */
    readonly positiveShare: number | null;
    /** Share of Σ|value| that the 5 % of tokens with the largest |value| (at least one) carry, 0 to 1; `null` when all are 0. */
    readonly topSignalShare: number | null;
    /** Mean in each tenth of the completion: position i of T belongs to tenth floor(10·i/T). */
    readonly decileMeans: readonly (number | null)[];
}
/** Summary of `[N]` per-token values, for example a report's `values` or `logRatio`. In float64 on the host. */
declare function summarizeTokens(values: Float32Array, { lengths, tokenWeights }: SummarizeTokensOptions): TokenSummary;

interface TokenLogProbsOptions extends Pick<RowOptions, "temperature" | "banned" | "chunkRows"> {
    readonly head: Head;
    /** Which weights of the head to use. @default { kind: "student" } */
    readonly weights?: WeightView;
    /** `[N]` ids to score. */
    readonly tokens: Int32Array;
}
/** `[N]` typed arrays in nats. */
interface TokenLogProbs {
    /** Log-softmax of logits / temperature at the token. */
    readonly logProbs: Float32Array;
    /** Entropy of the distribution that the token stands in. */
    readonly entropy: Float32Array;
}
/** Scores given tokens from `[N, D]` hidden states, in chunks of rows and without gradient. */
declare function tokenLogProbs(states: tf.Tensor2D, { head, weights, tokens, ...options }: TokenLogProbsOptions): Promise<TokenLogProbs>;

export { crossEntropy, crossEntropyThroughHead, divergence, divergenceThroughHead, estimateReverseKl, policyGradient, policyGradientThroughHead, sampledReverseKl, sampledReverseKlThroughHead, summarizeTokens, tokenLogProbs };
export type { CrossEntropyOptions, CrossEntropyThroughHeadOptions, DistillationResult, Divergence, DivergenceOptions, DivergenceThroughHeadOptions, HeadOptions, PolicyGradientOptions, PolicyGradientThroughHeadOptions, RatioClip, RatioOptions, ReverseKlEstimator, RowOptions, SampledReverseKlOptions, SampledReverseKlThroughHeadOptions, SummarizeTokensOptions, TeacherStates, TokenLogProbs, TokenLogProbsOptions, TokenReport, TokenSummary };
