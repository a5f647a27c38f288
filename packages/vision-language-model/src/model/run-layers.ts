import { recompute } from "@imagine-opd/tensor-ops";
import * as tf from "@tensorflow/tfjs-core";

/**
 * What a layer leaves for the backward pass: with `none` everything that its gradient reads, with `layers` its input alone;
 * the backward pass then runs the layer a second time. Values and gradients are the same bit for bit.
 */
export type Recompute = "none" | "layers";

/**
 * Applies layers one after the other; what a layer makes on the way is freed after it.
 * @param weights one for each layer; their variables receive gradients
 */
export function runLayers<Weights extends object>(
  x: tf.Tensor,
  weights: readonly Weights[],
  apply: (x: tf.Tensor, weights: Weights) => tf.Tensor,
  mode: Recompute,
): tf.Tensor {
  return weights.reduce((state, layer) => {
    if (mode === "none") return tf.tidy(() => apply(state, layer));
    const tensors = tf.tensor_util.getTensorsInContainer(layer as unknown as tf.TensorContainer);
    // Variables reach the layer as themselves, so that it may take them from `layer`.
    const variables = tensors.filter((tensor) => tensor instanceof tf.Variable);
    return recompute((input) => apply(input!, layer), [state, ...variables]);
  }, x);
}
