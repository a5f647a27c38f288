import { commonChecks, type KernelCheck, runKernelChecks, tableChecks } from "@imagine-opd/tensor-ops/kernel-checks";
import * as tf from "@tensorflow/tfjs-core";
import { fusedChecks } from "./fused-checks.ts";
import { refuseMissing } from "./kernel-registry.ts";

const checks: readonly KernelCheck[] = [
  ...commonChecks,
  ...tableChecks,
  {
    kernel: "OneHot",
    what: "float32 rows",
    run: () => tf.reshape(tf.oneHot(tf.tensor1d([2, 0], "int32"), 3, 2, 1, "float32"), [6]),
    expected: [1, 1, 2, 2, 1, 1],
    tolerance: 0,
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
 * Runs every kernel that training depends on over small tensors and compares with numbers written down.
 * @throws missing-part when a kernel is not registered
 * @throws mismatch when a kernel computes something else
 */
export async function runSelfTest(): Promise<void> {
  for (const kernel of [...needed, ...checks.map((check) => check.kernel)]) {
    if (tf.getKernel(kernel, "wasm") === undefined) refuseMissing(kernel);
  }
  await runKernelChecks([...checks, ...fusedChecks], {
    where: "backend-wasm.openWasmBackend",
    remedy: "Check that tfjs-core and tfjs-backend-wasm are 4.22.0 and that nothing else replaces their kernels.",
  });
}
