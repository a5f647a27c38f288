import { ImagineOpdError } from "@imagine-opd/protocol";
import * as tf from "@tensorflow/tfjs-core";

const kernelName = "OpdStoreHalf";

/**
 * A tensor whose numbers take 16 bits each on the device: for weights that do not train. It is float32 for every operation,
 * with the numbers of IEEE 754 binary16 that are nearest to those given, ties to even.
 * @param values numbers from −65504 to 65504, row-major; they are exact from 2⁻¹⁴ on if they have 11 significant bits, as
 * those of bfloat16 do, and multiples of 2⁻²⁴ below it
 * @param name of the weight, for errors
 * @throws unsupported when the backend stores all numbers in 32 bits
 * @throws limit-exceeded when a number is too large for 16 bits
 */
export function storeHalf(values: Float32Array, shape: readonly number[], name: string): tf.Tensor {
  if (tf.getKernel(kernelName, tf.getBackend()) === undefined) {
    throw new ImagineOpdError("unsupported", {
      where: "tensor-ops.storeHalf",
      problem: `the backend "${tf.getBackend()}" cannot store ${name} in 16 bits.`,
      remedy: "Store it in float32, or open @imagine-opd/backend-webgpu.",
      details: { name, backend: tf.getBackend() },
    });
  }
  return tf.engine().runKernel(kernelName, {}, { values, shape, name } as unknown as tf.NamedAttrMap) as tf.Tensor;
}
