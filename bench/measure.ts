import { type BackendName, backendNames } from "@imagine-opd/command-line";
import * as tf from "@tensorflow/tfjs-core";
import { Command, Option } from "commander";

/** The command line of a benchmark that runs on several backends. */
export function benchCommand(name: string): Command {
  return new Command(name).addOption(
    new Option("--backend <name>", "what computes").choices([...backendNames]).default("wasm"),
  );
}

export interface BenchCommandOptions {
  readonly backend: BackendName;
}

export interface Profile {
  /** Most bytes of tensors at any time beyond those before, as tfjs counts them: views of one buffer count each. */
  readonly peakBytes: number;
  /** Runs of each kernel, by name. */
  readonly kernels: Readonly<Record<string, number>>;
}

/** Runs once and records every kernel. Slower than running; not for times. */
export async function profile(run: () => unknown): Promise<Profile> {
  // tfjs would read back every tensor while it profiles.
  tf.env().set("CHECK_COMPUTATION_FOR_ERRORS", false);
  const before = tf.memory().numBytes;
  const { peakBytes, kernels } = await tf.profile(async () => (await run()) as tf.TensorContainer);
  const counts: Record<string, number> = {};
  for (const { name } of kernels) counts[name] = (counts[name] ?? 0) + 1;
  return { peakBytes: peakBytes - before, kernels: counts };
}

export const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);

/** Least-squares line through points, and the share of the variance that it explains. */
export function fitLine(points: readonly (readonly [x: number, y: number])[]): {
  readonly intercept: number;
  readonly slope: number;
  readonly rSquared: number;
} {
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const [meanX, meanY] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))];
  const slope = mean(points.map(([x, y]) => (x - meanX) * (y - meanY))) / mean(points.map(([x]) => (x - meanX) ** 2));
  const intercept = meanY - slope * meanX;
  const left = mean(points.map(([x, y]) => (y - intercept - slope * x) ** 2));
  return { intercept, slope, rSquared: 1 - left / mean(points.map(([, y]) => (y - meanY) ** 2)) };
}
