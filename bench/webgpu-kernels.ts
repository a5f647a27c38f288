/**
 * The fused WebGPU kernels against their composed forms on the same adapter, forward and with gradients: dispatches, peak
 * bytes of GPU buffers and time. Run it with `node scripts/run.mjs bench/webgpu-kernels.ts [NAME …] [--scale N]` where Node finds a
 * Vulkan driver (or Metal, or Direct3D 12). A software adapter's times say nothing about a GPU; its counts and bytes do.
 */
import { openWebgpuBackend } from "@imagine-opd/backend-webgpu";
import * as ours from "@imagine-opd/tensor-ops";
import { waves } from "@imagine-opd/test-kit";
import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import * as tf from "@tensorflow/tfjs-core";
import { Command } from "commander";
import { printTable, shortestTimes, type Times } from "./python-peer.ts";

interface Measured {
  readonly dispatches: number;
  readonly peakBytes: number;
  /** Of a software adapter the processor's are what it computes with; of a GPU, what asking for it costs. */
  readonly times: Times;
}

/** Makes the inputs of an operation and returns what runs it. Everything is in a tidy. */
type Operation = () => () => tf.TensorContainer;

const [batch, heads, kvHeads, headSize, width, inner] = [2, 4, 2, 24, 96, 256];
const rounds = 3;

const four = (x: tf.Tensor | undefined) => x as tf.Tensor4D;

/** The value alone, and the value with the gradients in all inputs. */
function bothWays(op: (...inputs: tf.Tensor[]) => tf.Tensor, ...shapes: number[][]): Record<string, Operation> {
  const inputs = () => shapes.map((shape, i) => waves(shape, i));
  return {
    forward: () => {
      const given = inputs();
      return () => op(...given);
    },
    "with gradients": () => {
      const given = inputs();
      const dy = waves(op(...given).shape, 9);
      return () => tf.grads(op)(given, dy);
    },
  };
}

function decodeStep(length: number): Operation {
  return () => {
    const [rows, queries, keys] = [4, heads * headSize, kvHeads * headSize];
    const shapes = {
      inputNorm: [width],
      q: [queries, width],
      k: [keys, width],
      v: [keys, width],
      o: [width, queries],
      postNorm: [width],
      gate: [inner, width],
      up: [inner, width],
      down: [width, inner],
    };
    const weights = Object.fromEntries(Object.entries(shapes).map(([name, shape], i) => [name, waves(shape, i)]));
    const cached = () => four(tf.keep(waves([rows, kvHeads, length + 8, headSize])));
    let cache = { k: cached(), v: cached() };
    const angles = four(waves([1, 1, 1, headSize]));
    const position = { length, pads: new Int32Array(rows), cos: angles, sin: angles, heads, epsilon: 1e-5 };
    const x = waves([rows, width]) as tf.Tensor2D;
    return () => {
      const next = ours.decodeLayer(x, weights as unknown as ours.DecodeLayerWeights, cache, position);
      tf.dispose([cache.k, cache.v]);
      cache = { k: tf.keep(next.cache.k), v: tf.keep(next.cache.v) };
      return next.x;
    };
  };
}

function updateWeight(size: number): Operation {
  return () => {
    const [weight, gradient, first] = [1, 2, 3].map((phase) => waves([size, size], phase)) as tf.Tensor[];
    const averages = { weight: weight!, first: first!, second: tf.square(first!) };
    const scalars = { gradientScale: 0.5, decay: 0.999, firstRate: 0.1, secondKeep: 0.999, secondRate: 0.001 };
    return () => ({ ...ours.adamWUpdate(averages, gradient!, { ...scalars, epsilon: 1e-8, stepSize: 1e-3 }) });
  };
}

function makeOperations(scale: number): Record<string, Record<string, Operation>> {
  const [rows, length, cached] = [128 * scale, 128 * scale, 128 * scale];
  const causal = () => {
    const visible = tf.linalg.bandPart(tf.ones([length, length]), -1, 0);
    return tf.mul(tf.sub(1, visible), -1e9);
  };
  const attend = (bias?: tf.Tensor) => (q?: tf.Tensor, k?: tf.Tensor, v?: tf.Tensor) =>
    ours.attention(four(q), four(k), four(v), bias === undefined ? {} : { bias });
  const [queryShape, keyShape] = [heads, kvHeads].map((count) => [batch, count, length, headSize]) as [
    number[],
    number[],
  ];
  const angles = waves([1, 1, length, headSize]);
  return {
    rmsNorm: bothWays((x, w) => ours.rmsNorm(x!, w!, 1e-5), [rows, width], [width]),
    layerNorm: bothWays((x, w, b) => ours.layerNorm(x!, w!, b!, 1e-5), [rows, width], [width], [width]),
    geluTanh: bothWays((x) => ours.geluTanh(x!), [rows, inner]),
    swiGlu: bothWays((gate, up) => ours.swiGlu(gate!, up!), [rows, inner], [rows, inner]),
    "linear, bias": bothWays((x, w, b) => ours.linear(x!, w!, b), [rows, width], [inner, width], [inner]),
    rotary: bothWays((x) => ours.rotary(four(x), angles, angles), queryShape),
    attention: bothWays(attend(), queryShape, keyShape, keyShape),
    "attention, causal": bothWays(attend(tf.tidy(causal)), queryShape, keyShape, keyShape),
    "decode layer": { forward: decodeStep(cached) },
    AdamW: { update: updateWeight(inner) },
  };
}

const command = new Command("webgpu-kernels")
  .argument("[names...]", "operations; all if none is named")
  .option("--scale <factor>", "multiplies rows and lengths", Number, 1)
  .parse();
const { scale } = command.opts<{ scale: number }>();
const report = await openWebgpuBackend();
const backend = tf.backend() as WebGPUBackend;

/** Until the device has done all that was asked of it. */
async function finish(): Promise<void> {
  backend.ensureCommandEncoderReady();
  backend.endComputePassEncoder();
  backend.submitQueue();
  await backend.queue.onSubmittedWorkDone();
}

/** Counts dispatches and follows the bytes of buffers in use for one run. */
async function countRun(run: () => unknown): Promise<Omit<Measured, "times">> {
  await finish();
  const { bufferManager } = backend;
  const before = bufferManager.numBytesUsed;
  let [dispatches, peakBytes] = [0, 0];
  const [runProgram, acquire] = [backend.runWebGPUProgram, bufferManager.acquireBuffer];
  backend.runWebGPUProgram = (...given) => {
    dispatches++;
    return runProgram.apply(backend, given);
  };
  bufferManager.acquireBuffer = (...given) => {
    const buffer = acquire.apply(bufferManager, given);
    peakBytes = Math.max(peakBytes, bufferManager.numBytesUsed - before);
    return buffer;
  };
  run();
  Object.assign(backend, { runWebGPUProgram: runProgram });
  Object.assign(bufferManager, { acquireBuffer: acquire });
  await finish();
  return { dispatches, peakBytes };
}

async function measure(operation: Operation): Promise<Measured> {
  tf.engine().startScope();
  const apply = operation();
  const run = () => tf.tidy(() => void apply());
  run();
  const counts = await countRun(run);
  const times = await shortestTimes(rounds, async () => {
    run();
    await finish();
  });
  tf.engine().endScope();
  return { ...counts, times };
}

const kernels = report.fused.map((name) => tf.getKernel(name, "webgpu"));
/** Without our kernels, operations fill in their composed forms when they run. */
function useFused(fused: boolean): void {
  for (const kernel of kernels) {
    if (tf.getKernel(kernel.kernelName, "webgpu") !== undefined) tf.unregisterKernel(kernel.kernelName, "webgpu");
    if (fused) tf.registerKernel(kernel);
  }
}

const results: { name: string; way: string; fused: Measured; composed: Measured }[] = [];
for (const [name, ways] of Object.entries(makeOperations(scale))) {
  if (command.args.length > 0 && !command.args.includes(name)) continue;
  for (const [way, operation] of Object.entries(ways)) {
    useFused(true);
    const fused = await measure(operation);
    useFused(false);
    results.push({ name, way, fused, composed: await measure(operation) });
  }
}

const against = (a: number, b: number, digits: number) =>
  `${a.toFixed(digits)} : ${b.toFixed(digits)} = 1 : ${(b / a).toFixed(1)}`;
const { description, device, architecture } = report.adapter as unknown as Record<string, string>;
console.error(`adapter: ${[description, device, architecture].filter(Boolean).join(", ")}, fused : composed`);
printTable(
  ["operation", "", "dispatches", "peak KiB of buffers", "ms", "processor ms"],
  results.map(({ name, way, fused, composed }) => [
    name,
    way,
    against(fused.dispatches, composed.dispatches, 0),
    against(fused.peakBytes / 1024, composed.peakBytes / 1024, 0),
    against(fused.times.wall, composed.times.wall, 1),
    against(fused.times.processor, composed.times.processor, 1),
  ]),
);
console.log(JSON.stringify({ bench: "webgpu-kernels", adapter: report.adapter, scale, results }));
process.exit(0);
