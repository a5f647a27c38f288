import { commonChecks, type KernelCheck, runKernelChecks, tableChecks } from "@imagine-opd/tensor-ops/kernel-checks";
import * as tf from "@tensorflow/tfjs-core";

const checks: readonly KernelCheck[] = [
  ...commonChecks,
  ...tableChecks,
  {
    kernel: "GatherV2",
    what: "columns, by a negative axis",
    run: () => tf.reshape(tf.gather(tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]), tf.tensor1d([1], "int32"), -1), [3]),
    expected: [2, 4, 6],
    tolerance: 0,
  },
];

/**
 * Runs the kernels that training leans on over small tensors and compares with numbers written down.
 * @throws mismatch when a kernel computes something else
 */
export function runSelfTest(): Promise<void> {
  return runKernelChecks(checks, {
    where: "backend-node-cuda.openNodeBackend",
    remedy:
      "Check that tfjs-core is 4.22.0, and the TensorFlow library with: npx @imagine-opd/backend-node-cuda verify",
  });
}
