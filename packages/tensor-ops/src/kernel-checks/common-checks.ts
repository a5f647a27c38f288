import * as tf from "@tensorflow/tfjs-core";
import { checksum, integers, type KernelCheck } from "./kernel-check.ts";

/** The same product in all four ways to store its operands: 7 × 5 times 5 × 11, which leaves remainders of every tile. */
const products: readonly KernelCheck[] = [false, true].flatMap((transposeA) =>
  [false, true].map((transposeB) => ({
    kernel: "BatchMatMul",
    what: `transposeA ${transposeA}, transposeB ${transposeB}`,
    run: () => {
      const a = transposeA ? tf.transpose(integers([7, 5], 3)) : integers([7, 5], 3);
      const b = transposeB ? tf.transpose(integers([5, 11], 7)) : integers([5, 11], 7);
      return checksum(tf.matMul(a, b, transposeA, transposeB));
    },
    expected: [-77],
    tolerance: 0,
  })),
);

/** Matrix products and softmax, which every backend must compute. */
export const commonChecks: readonly KernelCheck[] = [
  ...products,
  {
    kernel: "BatchMatMul",
    what: "batched, transposeB",
    run: () => checksum(tf.matMul(integers([3, 2, 5], 3), integers([3, 9, 5], 7), false, true)),
    expected: [-577],
    tolerance: 0,
  },
  {
    kernel: "Softmax",
    what: "a masked row, an all masked row, a row with values that would be denormal",
    run: () => {
      const rows = [1, -1e9, 1 + Math.LN2, 1, -1e9, -1e9, -1e9, -1e9, 0, -95, -100, 0];
      return tf.reshape(tf.softmax(tf.tensor2d(rows, [3, 4])), [12]);
    },
    expected: [0.25, 0, 0.5, 0.25, 0.25, 0.25, 0.25, 0.25, 0.5, 0, 0, 0.5],
    tolerance: 1e-6,
  },
];

const table = () => tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]);

/** tfjs's kernels for the rows of a table and for their gradient, where a backend has none of its own. */
export const tableChecks: readonly KernelCheck[] = [
  {
    kernel: "GatherV2",
    what: "rows of a table",
    run: () => tf.reshape(tf.gather(table(), tf.tensor1d([2, 0], "int32")), [4]),
    expected: [5, 6, 1, 2],
    tolerance: 0,
  },
  {
    kernel: "UnsortedSegmentSum",
    what: "the gradient of a gather",
    run: () => tf.reshape(tf.unsortedSegmentSum(table(), tf.tensor1d([2, 0, 2], "int32"), 4), [8]),
    expected: [3, 4, 0, 0, 6, 8, 0, 0],
    tolerance: 0,
  },
];
