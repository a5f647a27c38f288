/**
 * A divergence of `[rows, vocabulary]` logits with its gradient on WebGPU: composed of tfjs operations with tfjs's gradients, our
 * loss composed, and our loss on its own kernels. Run it with
 * `node scripts/run.mjs bench/webgpu-loss.ts [--rows N] [--vocabulary N] [--rounds N]` where Node finds a Vulkan driver (or
 * Metal, or Direct3D 12). A software adapter's times say nothing about a GPU; its counts and bytes do.
 */
import { openWebgpuBackend } from "@imagine-opd/backend-webgpu";
import { type Divergence, divergence } from "@imagine-opd/distillation-loss";
import { registerWebgpuKernels } from "@imagine-opd/distillation-loss/webgpu";
import { randomStream } from "@imagine-opd/random-streams";
import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-core/dist/register_all_gradients";
import { Command } from "commander";
import { printTable } from "./python-peer.ts";

type LossOf = (student: tf.Tensor2D, teacher: tf.Tensor2D) => tf.Scalar;

interface Measured {
  readonly loss: number;
  readonly gradientNorm: number;
  readonly dispatches: number;
  /** Most bytes in buffers of the device beyond the two logits. */
  readonly peakBytes: number;
  readonly milliseconds: number;
}

/** KL(student‖teacher) and its relatives as someone writes them who has only tfjs; the teacher is a constant. */
const composed: Readonly<Record<"reverse-kl" | "forward-kl" | "jsd", LossOf>> = {
  "reverse-kl": (student, teacher) => {
    const [s, t] = [tf.logSoftmax(student), tf.logSoftmax(teacher)];
    return tf.mean(tf.sum(tf.mul(tf.exp(s), tf.sub(s, t)), 1));
  },
  "forward-kl": (student, teacher) => {
    const [s, t] = [tf.logSoftmax(student), tf.logSoftmax(teacher)];
    return tf.mean(tf.sum(tf.mul(tf.exp(t), tf.sub(t, s)), 1));
  },
  jsd: (student, teacher) => {
    const [s, t] = [tf.logSoftmax(student), tf.logSoftmax(teacher)];
    const [S, T] = [tf.exp(s), tf.exp(t)];
    const mixture = tf.log(tf.mul(tf.add(S, T), 0.5));
    const terms = tf.add(tf.mul(T, tf.sub(t, mixture)), tf.mul(S, tf.sub(s, mixture)));
    return tf.mul(tf.mean(tf.sum(terms, 1)), 0.5);
  },
};

function ours(kind: Divergence): LossOf {
  return (student, teacher) => {
    const result = divergence(student, teacher, { divergence: kind });
    result.dispose();
    return result.loss;
  };
}

const { rows, vocabulary, rounds } = new Command("webgpu-loss")
  .option("--rows <n>", "tokens", Number, 256)
  .option("--vocabulary <n>", "ids", Number, 32_768)
  .option("--rounds <n>", "timed runs, of which the shortest counts", Number, 3)
  .parse()
  .opts<Record<"rows" | "vocabulary" | "rounds", number>>();
const { adapter } = await openWebgpuBackend();
const backend = tf.backend() as WebGPUBackend;
const [student, teacher] = ["student", "teacher"].map((name) => {
  const stream = randomStream(0, "webgpu-loss", name);
  const numbers = Float32Array.from({ length: rows * vocabulary }, () => 8 * stream.uniform() - 4);
  return tf.tensor2d(numbers, [rows, vocabulary]);
}) as [tf.Tensor2D, tf.Tensor2D];

/** Until the device has done all that was asked of it. */
async function finish(): Promise<void> {
  backend.ensureCommandEncoderReady();
  backend.endComputePassEncoder();
  backend.submitQueue();
  await backend.queue.onSubmittedWorkDone();
}

async function measure(lossOf: LossOf): Promise<Measured> {
  const step = () => tf.valueAndGrad((x: tf.Tensor) => lossOf(x as tf.Tensor2D, teacher))(student);
  const { result: first, ...counts } = await countRun(step);
  const norm = tf.norm(first.grad);
  const result = { loss: (await first.value.data())[0]!, gradientNorm: (await norm.data())[0]! };
  tf.dispose([first.value, first.grad, norm]);
  let milliseconds = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    tf.dispose([...Object.values(step())]);
    await finish();
    milliseconds = Math.min(milliseconds, performance.now() - start);
  }
  return { ...result, ...counts, milliseconds };
}

/** Counts dispatches and follows the bytes of buffers in use for one run. */
async function countRun<Result>(run: () => Result) {
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
  const result = run();
  Object.assign(backend, { runWebGPUProgram: runProgram });
  Object.assign(bufferManager, { acquireBuffer: acquire });
  await finish();
  return { result, dispatches, peakBytes };
}

// The logits are on the device before anything is counted.
tf.dispose([tf.max(student), tf.max(teacher)]);
const kinds = [{ kind: "reverse-kl" }, { kind: "forward-kl" }, { kind: "jsd", beta: 0.5 }] as const;
const results: ({ divergence: string; form: string } & Measured)[] = [];
for (const kind of kinds) {
  const add = async (form: string, lossOf: LossOf) => {
    const measured = { divergence: kind.kind, form, ...(await measure(lossOf)) };
    console.error(`${kind.kind}, ${form}: ${measured.milliseconds.toFixed(0)} ms`);
    results.push(measured);
  };
  await add("tfjs operations", composed[kind.kind]);
  // Without the kernels, the loss fills in their composed forms when it runs.
  for (const name of registerWebgpuKernels()) tf.unregisterKernel(name, "webgpu");
  await add("our loss, composed", ours(kind));
  registerWebgpuKernels();
  await add("our loss, kernels", ours(kind));
}

const { description, device, architecture } = adapter as unknown as Record<string, string>;
console.error(
  `adapter: ${[description, device, architecture].filter(Boolean).join(", ")}; logits [${rows}, ${vocabulary}]`,
);
printTable(
  ["divergence", "form", "dispatches", "peak MiB", "ms", "result"],
  results.map(({ divergence: name, form, loss, gradientNorm, dispatches, peakBytes, milliseconds }) => [
    name,
    form,
    String(dispatches),
    (peakBytes / 2 ** 20).toFixed(1),
    milliseconds.toFixed(0),
    `loss ${loss.toFixed(5)}, |dz| ${gradientNorm.toPrecision(5)}`,
  ]),
);
console.log(JSON.stringify({ bench: "webgpu-loss", adapter, rows, vocabulary, results }));
process.exit(0);
