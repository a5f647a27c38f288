import * as tf from "@tensorflow/tfjs-core";
import { defineKernel, type KernelDefinition } from "./define-kernel.ts";

/** A named computation with one result and a gradient. */
export interface OpDefinition<Attributes extends object> extends KernelDefinition<Attributes> {
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
 * Registers an op and returns the function that calls it. The gradient is the same on every backend; where its parts have
 * names of their own (see {@link defineKernel}), a backend may take those over too.
 */
export function defineOp<Attributes extends object>(definition: OpDefinition<Attributes>) {
  const { name, gradient, save } = definition;
  const { inputs: saveInputs = true, output: saveOutput = false } = save ?? {};
  const runKernel = defineKernel<Attributes>(definition);
  return function run(inputs: readonly tf.Tensor[], attributes: Attributes): tf.Tensor {
    if (tf.getGradient(name) === undefined) {
      tf.registerGradient({
        kernelName: name,
        saveAllInputs: saveInputs,
        outputsToSave: [saveOutput],
        // The inputs are passed as an array, and tfjs takes the gradients alike.
        gradFunc: (dy, saved, attrs) =>
          gradient(dy as tf.Tensor, saved, attrs as unknown as Attributes) as unknown as ReturnType<tf.GradFunc>,
      });
    }
    return runKernel(inputs, attributes);
  };
}
