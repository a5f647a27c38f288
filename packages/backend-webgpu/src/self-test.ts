import { ImagineOpdError } from "@imagine-opd/protocol";
import { linear, takeRows } from "@imagine-opd/tensor-ops";
import * as tf from "@tensorflow/tfjs-core";

interface Check {
  readonly kernel: string;
  readonly what: string;
  readonly run: () => tf.Tensor;
  readonly expected: readonly number[];
  /** Largest absolute difference. */
  readonly tolerance: number;
}

/** Small integers, so that sums are exact in float32 in whatever order they are made. */
function integers(shape: readonly number[], step: number): tf.Tensor {
  const size = shape.reduce((product, length) => product * length, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, (_, i) => ((i * step) % 11) - 5),
    [...shape],
  );
}

const flat = (x: tf.Tensor): tf.Tensor => tf.reshape(x, [x.size]);

/** `Σ (i + 1) · x[i]`: one number that notices a wrong or misplaced element. */
function checksum(x: tf.Tensor): tf.Tensor {
  const weights = tf.tensor1d(Float32Array.from({ length: x.size }, (_, i) => i + 1));
  return tf.reshape(tf.sum(tf.mul(flat(x), weights)), [1]);
}

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
    kernel: "Softmax",
    what: "a masked row, an all masked row, a row with values that would be denormal",
    run: () => {
      const rows = [1, -1e9, 1 + Math.LN2, 1, -1e9, -1e9, -1e9, -1e9, 0, -95, -100, 0];
      return flat(tf.softmax(tf.tensor2d(rows, [3, 4])));
    },
    expected: [0.25, 0, 0.5, 0.25, 0.25, 0.25, 0.25, 0.25, 0.5, 0, 0, 0.5],
    tolerance: 1e-6,
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
 * Runs the kernels that training leans on over small tensors and compares with numbers written down here.
 * @throws mismatch when a kernel computes something else
 */
export async function runSelfTest(): Promise<void> {
  // Read together: every read is a round trip to the device.
  await Promise.all(checks.map(runCheck));
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
    where: "backend-webgpu.openWebgpuBackend",
    problem: `the kernel ${kernel} (${what}) should give [${expected}] and gave [${got}].`,
    remedy: "Check that tfjs-core and tfjs-backend-webgpu are 4.22.0; else report it with the name of the GPU.",
    details: { kernel, what, expected, got },
  });
}
