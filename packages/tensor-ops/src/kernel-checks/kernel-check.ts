import { ImagineOpdError } from "@imagine-opd/protocol";
import * as tf from "@tensorflow/tfjs-core";

/** A small computation that leans on one kernel, and the numbers that it must give, written down. */
export interface KernelCheck {
  /** Name under which the kernel is registered. */
  readonly kernel: string;
  /** What of it is checked, for the message. */
  readonly what: string;
  readonly run: () => tf.Tensor;
  readonly expected: readonly number[];
  /** Largest absolute difference. */
  readonly tolerance: number;
}

/** Small integers: their products and sums are exact in float32 and in TF32, in whatever order they are made. */
export function integers(shape: readonly number[], step: number): tf.Tensor {
  const size = shape.reduce((product, length) => product * length, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, (_, i) => ((i * step) % 11) - 5),
    [...shape],
  );
}

/** `Σ (i + 1) · x[i]`, `[1]`: one number that notices a wrong or misplaced element. */
export function checksum(x: tf.Tensor): tf.Tensor {
  const weights = tf.tensor1d(Float32Array.from({ length: x.size }, (_, i) => i + 1));
  return tf.reshape(tf.sum(tf.mul(tf.reshape(x, [x.size]), weights)), [1]);
}

/**
 * Runs checks on the current backend. Their results are read together, because every read is a round trip to the device.
 * Leaves nothing behind.
 * @param at what the error names: the function that opens the backend, and what its user can do
 * @throws mismatch for the first check, in order, whose numbers are others; what a kernel throws
 */
export async function runKernelChecks(
  checks: readonly KernelCheck[],
  at: { readonly where: string; readonly remedy: string },
): Promise<void> {
  const outcomes = await Promise.allSettled(checks.map((check) => runCheck(check, at)));
  const failed = outcomes.find((outcome) => outcome.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

async function runCheck(
  { kernel, what, run, expected, tolerance }: KernelCheck,
  at: { readonly where: string; readonly remedy: string },
): Promise<void> {
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
    ...at,
    problem: `the kernel ${kernel} (${what}) should give [${expected}] and gave [${got}].`,
    details: { kernel, what, expected, got },
  });
}
