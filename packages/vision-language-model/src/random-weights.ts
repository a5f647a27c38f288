import type { FileSink } from "@imagine-opd/protocol";
import { randomStream } from "@imagine-opd/random-streams";
import { encodeFloat32, writeCheckpoint } from "@imagine-opd/safetensors";
import type { ModelConfig } from "./config/model-config.ts";
import { embeddingName, headName, positionName, weightShapes } from "./model/weight-names.ts";

/** How untrained weights are drawn and stored. */
export interface RandomWeightsOptions {
  readonly seed: number;
  /** Whether the head shares the token embedding. @default "tied" */
  readonly head?: "tied" | "untied";
  /** @default "F32" */
  readonly dtype?: "F32" | "BF16";
}

/** Linear maps that write into the residual stream; they start smaller. */
const writesResidual = /(o_proj|out_proj|down_proj|fc2)\.weight$/;

/** Standard deviation at the start: 1/√fan-in for linear maps, halved where they write into the residual stream. */
function startDeviation(name: string, shape: readonly number[]): number {
  if (name === embeddingName || name === headName) return 0.02;
  if (name === positionName) return 0.5;
  const fanIn = shape.slice(1).reduce((a, b) => a * b, 1);
  return (writesResidual.test(name) ? 0.5 : 1) / Math.sqrt(fanIn);
}

function startValues(name: string, shape: readonly number[], seed: number): Float32Array {
  const size = shape.reduce((a, b) => a * b, 1);
  if (name.endsWith(".bias")) return new Float32Array(size);
  if (shape.length === 1) return new Float32Array(size).fill(1); // norms
  const stream = randomStream(seed, "random-weights", name);
  const deviation = startDeviation(name, shape);
  return Float32Array.from({ length: size }, () => deviation * stream.normal());
}

/**
 * Writes random weights for a configuration as `model.safetensors`: for training from nothing and for benchmarks. Numbers
 * depend on the seed and each weight's name alone.
 */
export async function writeRandomWeights(
  sink: FileSink,
  config: ModelConfig,
  options: RandomWeightsOptions,
): Promise<void> {
  const { seed, head = "tied", dtype = "F32" } = options;
  const tensors = [...weightShapes(config, head)].map(([name, shape]) => ({
    name,
    dtype,
    shape,
    data: () => encodeFloat32(startValues(name, shape, seed), dtype),
  }));
  await writeCheckpoint(sink, tensors);
}
