import * as tf from "@tensorflow/tfjs-core";

/** An operation with one name on every backend: composed of core ops where the backend has no kernel of that name. */
export interface OpDefinition<Attributes extends object> {
  /** Kernel name. A backend that registers a kernel of this name takes over the forward computation. */
  readonly name: string;
  /** Forward computation from core ops. It runs off the tape and inside a tidy. */
  readonly compose: (inputs: readonly tf.Tensor[], attributes: Attributes) => tf.Tensor;
  /**
   * One lazy gradient for each input. Only those of inputs that training reaches are called, each inside a tidy.
   * `saved` holds what `save` asks for: the inputs in their order, then the output.
   */
  readonly gradient: (
    dy: tf.Tensor,
    saved: readonly tf.Tensor[],
    attributes: Attributes,
  ) => readonly (() => tf.Tensor)[];
  /** What stays in memory between the forward and the backward pass. @default { inputs: true, output: false } */
  readonly save?: { readonly inputs?: boolean; readonly output?: boolean };
}

/**
 * Registers an op and returns the function that calls it. The gradient is the same on every backend, and kernels that a
 * backend lacks are filled in with the composed form under the same name, so that profiles show it.
 */
export function defineOp<Attributes extends object>(definition: OpDefinition<Attributes>) {
  const { name, compose, gradient, save } = definition;
  const { inputs: saveInputs = true, output: saveOutput = false } = save ?? {};
  const composedKernel: tf.KernelFunc = ({ inputs, attrs }) =>
    tf.tidy(() => compose(Object.values(inputs) as tf.Tensor[], attrs as unknown as Attributes));
  return function run(inputs: readonly tf.Tensor[], attributes: Attributes): tf.Tensor {
    const backendName = tf.getBackend();
    if (tf.getKernel(name, backendName) === undefined) {
      tf.registerKernel({ kernelName: name, backendName, kernelFunc: composedKernel });
    }
    if (tf.getGradient(name) === undefined) {
      tf.registerGradient({
        kernelName: name,
        saveAllInputs: saveInputs,
        outputsToSave: [saveOutput],
        // tfjs keys the inputs by position because they are passed as an array, and takes the gradients alike.
        gradFunc: (dy, saved, attrs) =>
          gradient(dy as tf.Tensor, saved, attrs as unknown as Attributes) as unknown as ReturnType<tf.GradFunc>,
      });
    }
    return tf
      .engine()
      .runKernel(name, inputs as unknown as tf.NamedTensorMap, attributes as unknown as tf.NamedAttrMap) as tf.Tensor;
  };
}
