import { keepLeading } from "./keep-leading.ts";

export interface TruncationOptions {
  readonly topK?: number;
  readonly topP?: number;
  readonly minP?: number;
  readonly typicalP?: number;
}

/** Zeroes, in `[V]` weights, the tokens that are cut off; `logits` give the order. False when nothing can have changed. */
export type Truncation = (logits: Float32Array, weights: Float64Array) => boolean;

/**
 * Top-k, then top-p, then min-p, then typical, each on what the one before left.
 * Top-k: Fan et al. 2018, arXiv 1805.04833; top-p: Holtzman et al. 2019, arXiv 1904.09751; min-p: Nguyen et al. 2024,
 * arXiv 2407.01082; typical: Meister et al. 2022, arXiv 2202.00666.
 */
export function createTruncation(vocabSize: number, options: TruncationOptions): Truncation {
  const { topK, minP } = options;
  // In exact numbers p = 1 keeps everything; a rounded sum could reach the total before the last tokens.
  const topP = options.topP === 1 ? undefined : options.topP;
  const typicalP = options.typicalP === 1 ? undefined : options.typicalP;
  if (topK === undefined && topP === undefined && minP === undefined && typicalP === undefined) return () => false;
  const ids = new Int32Array(vocabSize);
  const typicality = new Float64Array(typicalP === undefined ? 0 : vocabSize);
  return (logits, weights) => {
    if (topK !== undefined) keepLeading(logits, weights, "count", topK, ids);
    if (topP !== undefined) keepLeading(logits, weights, "mass", topP * sum(weights), ids);
    if (minP !== undefined) dropBelow(weights, minP * largest(weights));
    if (typicalP !== undefined) {
      const total = measureTypicality(weights, typicality);
      keepLeading(typicality, weights, "mass", typicalP * total, ids);
    }
    return true;
  };
}

/** Keeps the largest logit among the weights above 0, ties to the lower id. */
export function keepLargest(logits: Float32Array, weights: Float64Array): boolean {
  let best = -1;
  for (let id = 0; id < weights.length; id++) {
    if (weights[id]! > 0 && (best < 0 || logits[id]! > logits[best]!)) best = id;
  }
  const weight = weights[best]!;
  weights.fill(0);
  weights[best] = weight;
  return true;
}

/** Sum in index order. With zeros in between it is the same sum without them, so that a mass of 1 comes out as exactly 1. */
export function sum(weights: Float64Array): number {
  let total = 0;
  for (let id = 0; id < weights.length; id++) total += weights[id]!;
  return total;
}

function largest(weights: Float64Array): number {
  let max = 0;
  for (let id = 0; id < weights.length; id++) if (weights[id]! > max) max = weights[id]!;
  return max;
}

function dropBelow(weights: Float64Array, threshold: number): void {
  for (let id = 0; id < weights.length; id++) if (weights[id]! < threshold) weights[id] = 0;
}

/** Fills in `−|−ln p − H|` of every token of `p = weights / total`, with the entropy H of p; the total. */
function measureTypicality(weights: Float64Array, typicality: Float64Array): number {
  const total = sum(weights);
  let entropy = 0;
  for (let id = 0; id < weights.length; id++) {
    if (weights[id] === 0) continue;
    const logProb = Math.log(weights[id]! / total);
    typicality[id] = logProb;
    entropy -= (weights[id]! / total) * logProb;
  }
  for (let id = 0; id < weights.length; id++) {
    if (weights[id]! > 0) typicality[id] = -Math.abs(typicality[id]! + entropy);
  }
  return total;
}
