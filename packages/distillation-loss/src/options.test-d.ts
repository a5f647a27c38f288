import type { Tensor2D } from "@tensorflow/tfjs-core";
import {
  type ComparisonOptions,
  crossEntropy,
  type Divergence,
  type DivergenceOptions,
  divergence,
  policyGradient,
  type RowOptions,
  sampledReverseKl,
} from "./index.ts";

// Checked by the compiler alone: what is marked must not compile, everything else must.

declare const logits: Tensor2D;
declare const ints: Int32Array;
declare const floats: Float32Array;
const reverseKl = { kind: "reverse-kl" } as const;
const run = (options: DivergenceOptions) => divergence(logits, logits, options);

// Divergences.
run({ divergence: reverseKl });
run({ divergence: { kind: "skew-jsd", beta: 0.5, normalize: "endpoint" } });
// @ts-expect-error a jsd needs its beta
run({ divergence: { kind: "jsd" } });
// @ts-expect-error a KL has none
run({ divergence: { kind: "reverse-kl", beta: 0.5 } });
// @ts-expect-error and nothing to normalise
run({ divergence: { kind: "forward-kl", normalize: "endpoint" } });
// @ts-expect-error k1 is no divergence
run({ divergence: { kind: "k1" } });
// @ts-expect-error a divergence is chosen, never assumed
run({});

// Supports and clips.
const tail = { support: "union", k: 8, mass: "tail" } as const;
const renormalise = { support: "teacher", k: 8, mass: "renormalise" } as const;
run({ divergence: reverseKl, topK: tail, clip: { kind: "preserve-direction", limit: 1 } });
run({ divergence: reverseKl, topK: renormalise, clip: { kind: "vocabulary-entry", limit: 0.05 } });
run({ divergence: reverseKl, clip: { kind: "vocabulary-entry", limit: 0.05 } });
// @ts-expect-error a tail is no single entry
run({ divergence: reverseKl, topK: tail, clip: { kind: "vocabulary-entry", limit: 0.05 } });
// @ts-expect-error what becomes of the mass outside is chosen, never assumed
run({ divergence: reverseKl, topK: { support: "teacher", k: 8 } });
// @ts-expect-error mass that is neither renormalised nor gathered is not offered
run({ divergence: reverseKl, topK: { support: "teacher", k: 8, mass: "raw" } });
// @ts-expect-error the bounds of a ratio are not those of a divergence
run({ divergence: reverseKl, clip: { low: 0.2, high: 0.3 } });

// Importance weights are those of tokens.
const importance = { samplingLogProbs: floats, cap: 2 };
run({ divergence: reverseKl, tokens: ints, importance });
// @ts-expect-error which are missing
run({ divergence: reverseKl, importance });
// @ts-expect-error a cap is chosen, never assumed
run({ divergence: reverseKl, tokens: ints, importance: { samplingLogProbs: floats } });

// Reductions.
const reduce = (options: RowOptions) => crossEntropy(logits, { tokens: ints, ...options });
reduce({ normalizer: 32 });
reduce({ reduction: "sum" });
reduce({ reduction: "sequence-mean", lengths: ints, normalizer: 4 });
reduce({ reduction: "constant-length", lengths: ints, constantLength: 256 });
reduce({ skipFirst: 3, lengths: ints });
// @ts-expect-error nothing is divided
reduce({ reduction: "sum", normalizer: 32 });
// @ts-expect-error sequences have lengths
reduce({ reduction: "sequence-mean" });
// @ts-expect-error the constant is missing
reduce({ reduction: "constant-length", lengths: ints });
// @ts-expect-error a token mean knows no constant length
reduce({ lengths: ints, constantLength: 256 });
// @ts-expect-error the first of which sequence?
reduce({ skipFirst: 3 });

// Losses on tokens.
sampledReverseKl(logits, { tokens: ints, teacherLogProbs: floats, baseline: floats, advantageClip: 5, importance });
sampledReverseKl(logits, { tokens: ints, teacherLogProbs: floats, clip: { low: 0.2, high: 0.3, dual: 3 } });
policyGradient(logits, { tokens: ints, advantages: floats, samplingLogProbs: floats, clip: { low: 0.2, high: 0.2 } });
// @ts-expect-error given advantages are the caller's
policyGradient(logits, { tokens: ints, advantages: floats, baseline: floats });
// @ts-expect-error the clip of a divergence is not that of a ratio
policyGradient(logits, { tokens: ints, advantages: floats, clip: { kind: "preserve-direction", limit: 1 } });
// @ts-expect-error advantages are numbers on the host, through which no gradient can flow
policyGradient(logits, { tokens: ints, advantages: logits });
// @ts-expect-error a cross-entropy has no teacher
crossEntropy(logits, { tokens: ints, teacherLogProbs: floats });

// The parts can be held and joined.
export function join(chosen: ComparisonOptions, rows: RowOptions): DivergenceOptions {
  return { ...chosen, ...rows, tokens: ints };
}
export const chosen: Divergence = { kind: "jsd", beta: 0.5 };
