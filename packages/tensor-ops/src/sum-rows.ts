import * as tf from "@tensorflow/tfjs-core";
import { defineKernel } from "./define-kernel.ts";

const sumRowsKernel = defineKernel<object>({
  name: "OpdSumRows",
  compose: ([x]) => tf.sum(tf.reshape(x!, [-1, x!.shape[x!.rank - 1]!]), 0),
});

/** The sum over all axes but the last: a bias's gradient. `[…, D]` → `[D]`, without a gradient of its own. */
export function sumRows(x: tf.Tensor): tf.Tensor {
  return sumRowsKernel([x], {});
}
