import {
  type KernelFunc,
  log,
  reshape,
  scalar,
  type Tensor,
  type TensorInfo,
  tensor1d,
  tidy,
} from "@tensorflow/tfjs-core";
import { type TensorFlowBackend, typeAttribute } from "./binding.ts";

/**
 * Draws from rows of logits `[B, V]`, the same ones for the same seed: TensorFlow's stateless draw. tfjs-node's kernel
 * gives other draws at every call and refuses probabilities.
 */
export const multinomial: KernelFunc = (args) => {
  const backend = args.backend as TensorFlowBackend;
  const { numSamples, seed, normalized } = args.attrs as { numSamples: number; seed: number; normalized: boolean };
  const given = args.inputs.logits as Tensor;
  const attributes = [
    typeAttribute(backend, "T", "float32"),
    typeAttribute(backend, "Tseed", "int32"),
    typeAttribute(backend, "output_dtype", "int32"),
  ];
  return tidy(() => {
    const logits = normalized ? log(given) : given;
    const seeds = tensor1d(seedWords(seed), "int32");
    const count = scalar(numSamples, "int32");
    return reshape(backend.executeSingleOutput("StatelessMultinomial", attributes, [logits, count, seeds]), [
      given.shape[0]!,
      numSamples,
    ]);
  }) as TensorInfo;
};

/** The 64 bits of a seed: tfjs takes its own from `Math.random()`, users pass integers. */
function seedWords(seed: number): Int32Array {
  return new Int32Array(Float64Array.of(seed).buffer);
}
