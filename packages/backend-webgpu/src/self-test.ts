import { linear, takeRows } from "@imagine-opd/tensor-ops";
import {
  checksum,
  commonChecks,
  integers,
  type KernelCheck,
  runKernelChecks,
} from "@imagine-opd/tensor-ops/kernel-checks";
import * as tf from "@tensorflow/tfjs-core";

const flat = (x: tf.Tensor): tf.Tensor => tf.reshape(x, [x.size]);

const checks: readonly KernelCheck[] = [
  ...commonChecks,
  {
    kernel: "GatherV2",
    what: "rows of a table",
    run: () => flat(takeRows(tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]), Int32Array.of(2, 0))),
    expected: [5, 6, 1, 2],
    tolerance: 0,
  },
  {
    kernel: "UnsortedSegmentSum",
    what: "the gradient of a gather",
    run: () => {
      const rows = (table: tf.Tensor) => takeRows(table as tf.Tensor2D, Int32Array.of(2, 0, 2));
      const weights = tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]);
      return flat(tf.grad((table) => tf.sum(tf.mul(rows(table), weights)))(tf.ones([4, 2])));
    },
    expected: [3, 4, 0, 0, 6, 8, 0, 0],
    tolerance: 0,
  },
  {
    kernel: "OpdLinear",
    what: "value and gradients",
    run: () => {
      const eighths = (shape: number[], step: number) => tf.div(integers(shape, step), 8);
      const inputs = [eighths([3, 5], 3), eighths([6, 5], 7), eighths([6], 4)];
      const op = (...x: tf.Tensor[]) => linear(x[0]!, x[1]!, x[2]!);
      const gradients = tf.grads((...x) => tf.sum(tf.square(op(...x))))(inputs);
      return checksum(tf.concat([op(...inputs), ...gradients].map(flat)));
    },
    expected: [-95.60547],
    tolerance: 5e-4,
  },
];

/**
 * Runs the kernels that training leans on over small tensors and compares with numbers written down.
 * @throws mismatch when a kernel computes something else
 */
export function runSelfTest(): Promise<void> {
  return runKernelChecks(checks, {
    where: "backend-webgpu.openWebgpuBackend",
    remedy: "Check that tfjs-core and tfjs-backend-webgpu are 4.22.0; else report it with the name of the GPU.",
  });
}
