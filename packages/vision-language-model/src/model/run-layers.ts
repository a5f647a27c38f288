import { recompute } from "@imagine-opd/tensor-ops";
import * as tf from "@tensorflow/tfjs-core";

/**
 * What a layer leaves for the backward pass: with `none` everything that its gradient reads, with `layers` its input alone;
 * the backward pass then runs the layer a second time. Values and gradients are the same.
 */
export type Recompute = "none" | "layers";

/**
 * Applies layers one after the other; what a layer makes on the way is freed after it.
 * @param layers weights of each layer; the variables among them receive gradients
 * @param constants tensors that every layer reads
 */
export function runLayers<Weights extends object>(
  x: tf.Tensor,
  layers: readonly Weights[],
  apply: (x: tf.Tensor, weights: Weights, constants: readonly tf.Tensor[]) => tf.Tensor,
  mode: Recompute,
  constants: readonly tf.Tensor[] = [],
): tf.Tensor {
  return layers.reduce((state, weights) => {
    if (mode === "none") return tf.tidy(() => apply(state, weights, constants));
    const tensors = tf.tensor_util.getTensorsInContainer(weights as unknown as tf.TensorContainer);
    const variables = tensors.filter((tensor) => tensor instanceof tf.Variable);
    // The other weights belong to the model and outlive the backward pass.
    const run = (...taken: tf.Tensor[]) => apply(taken[0]!, weights, taken.slice(1 + variables.length));
    return recompute(run, [state, ...variables], constants);
  }, x);
}
