import * as tf from "@tensorflow/tfjs-core";

/** A computation with one name on every backend: composed of core ops where the backend has no kernel of that name. */
export interface KernelDefinition<Attributes extends object> {
  /** Kernel name. A backend that registers a kernel of this name takes the computation over. */
  readonly name: string;
  /** The computation from core ops. It runs off the tape and inside a tidy. */
  readonly compose: (inputs: readonly tf.Tensor[], attributes: Attributes) => tf.Tensor | tf.Tensor[];
}

/**
 * Names a computation without a gradient and returns the function that runs it. Where the backend has no kernel of that
 * name, the composed form is filled in under it, so that profiles show it.
 */
export function defineKernel<Attributes extends object>({ name, compose }: KernelDefinition<Attributes>) {
  const composedKernel: tf.KernelFunc = ({ inputs, attrs }) =>
    tf.tidy(() => compose(Object.values(inputs) as tf.Tensor[], attrs as unknown as Attributes));
  return function run<Result extends tf.Tensor | tf.Tensor[] = tf.Tensor>(
    inputs: readonly tf.Tensor[],
    attributes: Attributes,
  ): Result {
    const backendName = tf.getBackend();
    if (tf.getKernel(name, backendName) === undefined) {
      tf.registerKernel({ kernelName: name, backendName, kernelFunc: composedKernel });
    }
    // tfjs keys the inputs by position when they come as an array.
    return tf
      .engine()
      .runKernel(name, inputs as unknown as tf.NamedTensorMap, attributes as unknown as tf.NamedAttrMap) as Result;
  };
}
