import * as tf from "@tensorflow/tfjs-core";

const f = Math.fround;

/** Frequencies θ^(−2i/d), every step rounded to float32 as PyTorch rounds it. `[d / 2]` */
export function rotaryFrequencies(headDim: number, theta: number): Float32Array {
  return Float32Array.from({ length: headDim / 2 }, (_, i) => f(1 / f(theta ** f((2 * i) / headDim))));
}

/**
 * Cosines and sines of the rotary angles.
 * @param positions `[B, n]` token positions, row-major
 * @returns two `[B, 1, n, headDim]` tensors, the d/2 angles twice
 */
export function rotaryAngles(
  positions: Int32Array,
  [batch, length]: readonly [number, number],
  frequencies: Float32Array,
): { cos: tf.Tensor4D; sin: tf.Tensor4D } {
  const half = frequencies.length;
  const cos = new Float32Array(positions.length * 2 * half);
  const sin = new Float32Array(cos.length);
  /** Where a position was met first: the rows of a batch share most of theirs. */
  const placeOf = new Map<number, number>();
  positions.forEach((position, p) => {
    const start = p * 2 * half;
    const known = placeOf.get(position);
    if (known !== undefined) {
      cos.copyWithin(start, known, known + 2 * half);
      sin.copyWithin(start, known, known + 2 * half);
      return;
    }
    placeOf.set(position, start);
    for (let i = 0; i < half; i++) {
      const angle = f(position * frequencies[i]!);
      const at = start + i;
      cos[at] = cos[at + half] = Math.cos(angle);
      sin[at] = sin[at + half] = Math.sin(angle);
    }
  });
  const shape: [number, number, number, number] = [batch, 1, length, 2 * half];
  return { cos: tf.tensor4d(cos, shape), sin: tf.tensor4d(sin, shape) };
}
