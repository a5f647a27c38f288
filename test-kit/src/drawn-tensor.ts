import * as tf from "@tensorflow/tfjs-core";

// Imports nothing of Node: browsers run it too.

/** Reproducible numbers in [−1, 1). */
export function drawnNumbers(size: number, seed: number): Float32Array {
  let state = seed * 2654435761 + 1;
  return Float32Array.from({ length: size }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

/** A tensor of such numbers. */
export const drawnTensor = (shape: readonly number[], seed: number): tf.Tensor =>
  tf.tensor(drawnNumbers(tf.util.sizeFromShape([...shape]), seed), [...shape]);
