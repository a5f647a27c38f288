import { ImagineOpdError } from "@imagine-opd/protocol";
import * as tf from "@tensorflow/tfjs-core";
import { registerCoreGradients } from "../core-gradients.ts";
import { namedOps } from "./cases/blocks.ts";
import { decoderBlocks } from "./cases/decoder-block.ts";
import { elementwise } from "./cases/elementwise.ts";
import { layouts } from "./cases/layout.ts";
import { matrixProducts } from "./cases/matrix-products.ts";
import { optimiserUpdate } from "./cases/optimiser.ts";
import { rowReductions } from "./cases/rows.ts";
import { checkCase } from "./check-case.ts";
import type { ProbeCase, ProbeRow } from "./probe-case.ts";

const cases: readonly ProbeCase[] = [
  ...matrixProducts,
  ...rowReductions,
  ...elementwise,
  ...layouts,
  ...namedOps,
  ...decoderBlocks,
  optimiserUpdate,
];

export interface ProbeOptions {
  /**
   * Largest difference that passes, relative to the largest number expected (at least 1). Products in reduced precision,
   * such as TensorFloat-32, miss the default by a factor of about ten.
   * @default 1e-4
   */
  readonly tolerance?: number;
}

/** tfjs's WebGPU backend computes small tensors on the CPU unless told not to; that would not probe the device. */
function computeOnDevice(): () => void {
  if (tf.getBackend() !== "webgpu") return () => {};
  const before = tf.env().getBool("WEBGPU_CPU_FORWARD");
  tf.env().set("WEBGPU_CPU_FORWARD", false);
  return () => tf.env().set("WEBGPU_CPU_FORWARD", before);
}

/**
 * Runs every operation that a forward pass, a backward pass and an optimiser update need on the current backend, and
 * compares values and gradients with float64 references in plain TypeScript. A missing kernel, a wrong number and an error
 * become rows of the table; nothing is thrown for them and no tensor is left.
 * @throws invalid-argument when `tolerance` is not above 0
 */
export async function probe({ tolerance = 1e-4 }: ProbeOptions = {}): Promise<ProbeRow[]> {
  if (!(tolerance > 0)) {
    throw new ImagineOpdError("invalid-argument", {
      where: "tensor-ops.probe",
      problem: `\`tolerance\` must be above 0, got ${tolerance}.`,
    });
  }
  await tf.ready();
  registerCoreGradients();
  const restore = computeOnDevice();
  try {
    const rows: ProbeRow[] = [];
    for (const each of cases) rows.push(await checkCase(each, tolerance));
    return rows;
  } finally {
    restore();
  }
}

/** True when every operation gave the right numbers, forward and, where it is needed, backward. */
export function probePassed(rows: readonly ProbeRow[]): boolean {
  return rows.every(({ forward, gradient }) => forward === "ok" && (gradient === "ok" || gradient === "not needed"));
}
