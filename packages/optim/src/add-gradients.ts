import * as tf from "@tensorflow/tfjs-core";
import { checkNames, checkShape } from "./check-names.ts";

const where = "optim.addGradients";

/**
 * The sums of two sets of gradients with the same names, as new tensors: for gradients accumulated over several batches.
 *
 * Nothing is disposed here: both arguments stay the caller's and the result becomes the caller's. In a loop, dispose the old
 * total and the summand after the call.
 * @throws mismatch when the names or shapes differ
 */
export function addGradients(
  total: Readonly<Record<string, tf.Tensor>>,
  more: Readonly<Record<string, tf.Tensor>>,
): Record<string, tf.Tensor> {
  checkNames(total, more, "gradient", where);
  for (const [name, sum] of Object.entries(total)) {
    checkShape(sum.shape, more[name]!.shape, { what: "gradient", name, where });
  }
  return Object.fromEntries(Object.entries(total).map(([name, sum]) => [name, tf.add(sum, more[name]!)]));
}
