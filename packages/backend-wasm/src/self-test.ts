import { ImagineOpdError } from "@imagine-opd/protocol";
import * as tf from "@tensorflow/tfjs-core";
import { fusedChecks } from "./fused-checks.ts";
import { refuseMissing } from "./kernel-registry.ts";
import { type Check, checksum, integers } from "./self-test-check.ts";

/** The same product in all four ways to store its operands: 7 × 5 times 5 × 11, which leaves remainders of every tile. */
const products: readonly Check[] = [
  [false, false],
  [false, true],
  [true, false],
  [true, true],
].map(([transposeA, transposeB]) => ({
  kernel: "BatchMatMul",
  what: `transposeA ${transposeA}, transposeB ${transposeB}`,
  run: () => {
    const a = integers([7, 5], 3);
    const b = integers([5, 11], 7);
    const product = tf.matMul(
      transposeA ? tf.transpose(a) : a,
      transposeB ? tf.transpose(b) : b,
      transposeA,
      transposeB,
    );
    return checksum(product);
  },
  expected: [-77],
  tolerance: 0,
}));

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
    run: () => tf.reshape(tf.gather(tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]), tf.tensor1d([2, 0], "int32")), [4]),
    expected: [5, 6, 1, 2],
    tolerance: 0,
  },
  {
    kernel: "UnsortedSegmentSum",
    what: "the gradient of a gather",
    run: () => {
      const gradient = tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]);
      return tf.reshape(tf.unsortedSegmentSum(gradient, tf.tensor1d([2, 0, 2], "int32"), 4), [8]);
    },
    expected: [3, 4, 0, 0, 6, 8, 0, 0],
    tolerance: 0,
  },
  {
    kernel: "OneHot",
    what: "float32 rows",
    run: () => tf.reshape(tf.oneHot(tf.tensor1d([2, 0], "int32"), 3, 2, 1, "float32"), [6]),
    expected: [1, 1, 2, 2, 1, 1],
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

/** Kernels that the models and losses of imagine-opd run beside the checked ones. */
const needed: readonly string[] = [
  "Add",
  "Cast",
  "Concat",
  "Cos",
  "Exp",
  "Fill",
  "Identity",
  "Log",
  "Max",
  "Maximum",
  "Mean",
  "Minimum",
  "Multiply",
  "Neg",
  "RealDiv",
  "Reshape",
  "Rsqrt",
  "Sigmoid",
  "Sin",
  "Slice",
  "Sqrt",
  "Square",
  "Sub",
  "Sum",
  "Tanh",
  "Tile",
  "Transpose",
  "ZerosLike",
];

/**
 * Runs every kernel that training depends on over small tensors and compares with numbers written down here.
 * @throws missing-part when a kernel is not registered
 * @throws mismatch when a kernel computes something else
 */
export async function runSelfTest(): Promise<void> {
  for (const kernel of [...needed, ...checks.map((check) => check.kernel)]) {
    if (tf.getKernel(kernel, "wasm") === undefined) refuseMissing(kernel);
  }
  for (const check of [...checks, ...fusedChecks]) await runCheck(check);
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
    where: "backend-wasm.openWasmBackend",
    problem: `the kernel ${kernel} (${what}) should give [${expected}] and gave [${got}].`,
    remedy: "Check that tfjs-core and tfjs-backend-wasm are 4.22.0 and that nothing else replaces their kernels.",
    details: { kernel, what, expected, got },
  });
}
