import { descendingIds } from "./descending-ids.ts";

export interface TruncationOptions {
  readonly topK?: number;
  readonly topP?: number;
  readonly minP?: number;
}

/** Zeroes, in `[V]` weights, the tokens that are cut off. `logits` give the order; the largest weight must be 1. */
export type Truncation = (logits: Float32Array, weights: Float64Array) => void;

/**
 * Top-k, then top-p, then min-p, each on what the one before left.
 * Top-k: Fan et al. 2018, arXiv 1805.04833; top-p: Holtzman et al. 2019, arXiv 1904.09751; min-p: Nguyen et al. 2024,
 * arXiv 2407.01082.
 */
export function createTruncation(vocabSize: number, { topK, topP, minP }: TruncationOptions): Truncation {
  const candidates = new Int32Array(vocabSize);
  return (logits, weights) => {
    if (topK !== undefined) {
      keepLargest(logits, weights, candidates, 0, (count) => count === topK);
    }
    // In exact numbers p = 1 keeps everything; a rounded sum could reach the total before the last tokens.
    if (topP !== undefined && topP < 1) {
      const total = sum(weights);
      // Tokens below this floor hold less than 1 - p together, so that the others already reach p: they need no sorting.
      const floor = ((1 - topP) * total) / vocabSize;
      keepLargest(logits, weights, candidates, floor, (_, mass) => mass >= topP * total);
    }
    if (minP !== undefined) {
      for (let id = 0; id < vocabSize; id++) if (weights[id]! < minP) weights[id] = 0;
    }
  };
}

/** Keeps the most probable tokens, ties to the lower id, until there are enough. */
function keepLargest(
  logits: Float32Array,
  weights: Float64Array,
  candidates: Int32Array,
  floor: number,
  isEnough: (count: number, mass: number) => boolean,
): void {
  let candidateCount = 0;
  for (let id = 0; id < weights.length; id++) {
    if (weights[id]! > 0 && weights[id]! >= floor) candidates[candidateCount++] = id;
  }
  const kept: { id: number; weight: number }[] = [];
  let mass = 0;
  for (const id of descendingIds(logits, candidates, candidateCount)) {
    const weight = weights[id]!;
    kept.push({ id, weight });
    mass += weight;
    if (isEnough(kept.length, mass)) break;
  }
  weights.fill(0);
  for (const { id, weight } of kept) weights[id] = weight;
}

/** Sum in index order. With zeros in between it is the same sum without them, so that a mass of 1 comes out as exactly 1. */
export function sum(weights: Float64Array): number {
  let total = 0;
  for (let id = 0; id < weights.length; id++) total += weights[id]!;
  return total;
}
