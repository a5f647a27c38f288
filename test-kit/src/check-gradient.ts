import * as tf from "@tensorflow/tfjs-core";
import { expect } from "vitest";

/**
 * Compares the gradients of `Σ f(inputs) · probe` with central differences, input by input.
 * Differences of float32 functions are only good to about `1e-3` of the largest gradient entry.
 */
export function checkGradient(
  f: (...inputs: tf.Tensor[]) => tf.Tensor,
  inputs: tf.Tensor[],
  tolerance = 2e-3,
  step = 1e-2,
): void {
  const probe = tf.tidy(() => {
    const shape = f(...inputs).shape;
    return tf.tensor(
      Float32Array.from({ length: tf.util.sizeFromShape(shape) }, (_, i) => Math.sin(1 + 1.7 * i)),
      shape,
    );
  });
  const scalar = (...x: tf.Tensor[]) => tf.sum(tf.mul(f(...x), probe)) as tf.Scalar;
  const before = tf.memory().numTensors;
  const gradients = tf.grads(scalar)(inputs);
  expect(tf.memory().numTensors - before, "tensors left by the gradient").toBe(inputs.length);
  inputs.forEach((input, which) => {
    const values = Float32Array.from(input.dataSync());
    const at = (shifted: Float32Array) =>
      tf.tidy(
        () =>
          scalar(...inputs.map((other, i) => (i === which ? tf.tensor(shifted, input.shape) : other))).dataSync()[0]!,
      );
    const numeric = Float32Array.from(values, (value, i) => {
      const up = at(values.map((v, j) => (j === i ? value + step : v)));
      const down = at(values.map((v, j) => (j === i ? value - step : v)));
      return (up - down) / (2 * step);
    });
    const exact = gradients[which]!.dataSync();
    const size = Math.max(1, ...numeric.map(Math.abs));
    numeric.forEach((value, i) => {
      expect(
        Math.abs(exact[i]! - value) / size,
        `gradient of input ${which} at ${i}: ${exact[i]} against ${value}`,
      ).toBeLessThan(tolerance);
    });
  });
  tf.dispose([...gradients, probe]);
}

/** Repeatable numbers in about [−1, 1] for tests. */
export function waves(shape: number[], phase = 0): tf.Tensor {
  const size = tf.util.sizeFromShape(shape);
  return tf.tensor(
    Float32Array.from({ length: size }, (_, i) => Math.sin(phase + 1.3 * i) * Math.cos(0.7 * i + phase)),
    shape,
  );
}
