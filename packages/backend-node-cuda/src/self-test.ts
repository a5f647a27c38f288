import { ImagineOpdError } from "@imagine-opd/protocol";
import * as tf from "@tensorflow/tfjs-core";

interface Check {
  readonly kernel: string;
  readonly what: string;
  readonly run: () => tf.Tensor;
  readonly expected: readonly number[];
  /** Largest absolute difference. */
  readonly tolerance: number;
}

/** Small integers: their products and sums are exact in float32 and in TF32, in whatever order they are made. */
function integers(shape: readonly number[], step: number): tf.Tensor {
  const size = shape.reduce((product, length) => product * length, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, (_, i) => ((i * step) % 11) - 5),
    [...shape],
  );
}

/** `Σ (i + 1) · x[i]`: one number that notices a wrong or misplaced element. */
function checksum(x: tf.Tensor): tf.Tensor {
  const weights = tf.tensor1d(Float32Array.from({ length: x.size }, (_, i) => i + 1));
  return tf.reshape(tf.sum(tf.mul(tf.reshape(x, [x.size]), weights)), [1]);
}

const flat = (x: tf.Tensor): tf.Tensor => tf.reshape(x, [x.size]);
const table = () => tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]);

/** 7 × 5 times 5 × 11, each operand stored in both ways. */
const products: readonly Check[] = [false, true].flatMap((transposeA) =>
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

const checks: readonly Check[] = [
  ...products,
  {
    kernel: "BatchMatMul",
    what: "batched, transposeB",
    run: () => checksum(tf.matMul(integers([3, 2, 5], 3), integers([3, 9, 5], 7), false, true)),
    expected: [-577],
    tolerance: 0,
  },
  {
    kernel: "GatherV2",
    what: "rows of a table",
    run: () => flat(tf.gather(table(), tf.tensor1d([2, 0], "int32"))),
    expected: [5, 6, 1, 2],
    tolerance: 0,
  },
  {
    kernel: "GatherV2",
    what: "columns, by a negative axis",
    run: () => flat(tf.gather(table(), tf.tensor1d([1], "int32"), -1)),
    expected: [2, 4, 6],
    tolerance: 0,
  },
  {
    kernel: "UnsortedSegmentSum",
    what: "the gradient of a gather",
    run: () => flat(tf.unsortedSegmentSum(table(), tf.tensor1d([2, 0, 2], "int32"), 4)),
    expected: [3, 4, 0, 0, 6, 8, 0, 0],
    tolerance: 0,
  },
  {
    kernel: "Softmax",
    what: "a masked row, an all masked row, a row with values that would be denormal",
    run: () => {
      const rows = [1, -1e9, 1 + Math.LN2, 1, -1e9, -1e9, -1e9, -1e9, 0, -95, -100, 0];
      return flat(tf.softmax(tf.tensor2d(rows, [3, 4])));
    },
    expected: [0.25, 0, 0.5, 0.25, 0.25, 0.25, 0.25, 0.25, 0.5, 0, 0, 0.5],
    tolerance: 1e-6,
  },
];

/**
 * Runs the kernels that training leans on over small tensors and compares with numbers written down here.
 * @throws mismatch when a kernel computes something else
 */
export async function runSelfTest(): Promise<void> {
  for (const check of checks) await runCheck(check);
}

async function runCheck({ kernel, what, run, expected, tolerance }: Check): Promise<void> {
  const tensor = tf.tidy(run);
  let got: number[];
  try {
    got = Array.from(await tensor.data());
  } finally {
    tensor.dispose();
  }
  const right = got.length === expected.length && got.every((x, i) => Math.abs(x - expected[i]!) <= tolerance);
  if (right) return;
  throw new ImagineOpdError("mismatch", {
    where: "backend-node-cuda.openNodeBackend",
    problem: `the kernel ${kernel} (${what}) should give [${expected}] and gave [${got}].`,
    remedy:
      "Check that tfjs-core is 4.22.0, and the TensorFlow library with: npx @imagine-opd/backend-node-cuda verify",
    details: { kernel, what, expected, got },
  });
}
