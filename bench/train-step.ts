/**
 * One training step of a decoder of two layers (width 128, 4 heads, 64 patches and 128 text tokens, batch 8, vocabulary
 * 512; 6.3 GFLOP of matrix products): forward, backward, AdamW; against PyTorch with the same weights and data. Run it with
 * `node scripts/run.mjs bench/train-step.ts [--backend NAME] [--python PATH] [--json]`.
 */
import { openBackend } from "@imagine-opd/command-line";
import { crossEntropy } from "@imagine-opd/distillation-loss";
import { createAdamW } from "@imagine-opd/optim";
import { attention, linear, rmsNorm, rotary, swiGlu, takeRows } from "@imagine-opd/tensor-ops";
import * as tf from "@tensorflow/tfjs-core";
import { compareTimes, printTable, readBenchOptions, runPeer, shortestTimes, type Times } from "./python-peer.ts";

const [layers, width, heads, inner, vocabSize] = [2, 128, 4, 512, 512];
const [batch, patches, text, patchSize] = [8, 64, 128, 192];
const length = patches + text;
const size = width / heads;
const rounds = 7;

/** Numbers from a formula, so that both sides start from the same ones. */
function wave(shape: readonly number[], which: number, scale: number): Float32Array {
  const count = shape.reduce((product, axis) => product * axis, 1);
  return Float32Array.from({ length: count }, (_, i) => scale * Math.sin(1 + 12.9898 * i + 78.233 * which));
}

function createWeights(): Record<string, tf.Variable> {
  const shapes: Record<string, readonly number[]> = {
    patch: [width, patchSize],
    embedding: [vocabSize, width],
    norm: [width],
    head: [vocabSize, width],
  };
  for (let layer = 0; layer < layers; layer++) {
    for (const name of ["q", "k", "v", "o"]) shapes[`${name}${layer}`] = [width, width];
    for (const name of ["norm1", "norm2"]) shapes[`${name}${layer}`] = [width];
    for (const name of ["gate", "up"]) shapes[`${name}${layer}`] = [inner, width];
    shapes[`down${layer}`] = [width, inner];
  }
  const weight = (shape: readonly number[], which: number) =>
    shape.length === 1 ? tf.ones([...shape]) : tf.tensor(wave(shape, which, (2 / shape[1]!) ** 0.5), [...shape]);
  return Object.fromEntries(
    Object.entries(shapes).map(([name, shape], which) => [name, tf.variable(weight(shape, which))]),
  );
}

function createConstants() {
  const angle = (i: number) => Math.floor(i / size) * 10000 ** (-(i % (size / 2)) / (size / 2));
  const table = (f: (x: number) => number) =>
    tf.tensor4d(
      Float32Array.from({ length: length * size }, (_, i) => f(angle(i))),
      [1, 1, length, size],
    );
  const causal = Float32Array.from({ length: length ** 2 }, (_, i) => (i % length > Math.floor(i / length) ? -1e9 : 0));
  return {
    cos: table(Math.cos),
    sin: table(Math.sin),
    bias: tf.tensor4d(causal, [1, 1, length, length]),
    pixels: tf.tensor2d(wave([batch * patches, patchSize], 100, 1), [batch * patches, patchSize]),
    ids: Int32Array.from({ length: batch * text }, (_, i) => (i * 7919 + 13) % vocabSize),
  };
}

const split = (x: tf.Tensor): tf.Tensor4D =>
  tf.transpose(tf.reshape(x, [batch, length, heads, size]), [0, 2, 1, 3]) as tf.Tensor4D;

/** Mean cross-entropy of the text, each token from what stands before it, nats. */
function loss(w: Readonly<Record<string, tf.Tensor>>, fixed: ReturnType<typeof createConstants>) {
  const { cos, sin, bias, pixels, ids } = fixed;
  const pictures = tf.reshape(linear(pixels, w.patch!), [batch, patches, width]);
  const words = tf.reshape(takeRows(w.embedding!, ids), [batch, text, width]);
  let x: tf.Tensor = tf.concat([pictures, words], 1);
  for (let layer = 0; layer < layers; layer++) {
    const normed = rmsNorm(x, w[`norm1${layer}`]!, 1e-5);
    const [q, k, v] = ["q", "k", "v"].map((name) => split(linear(normed, w[`${name}${layer}`]!))) as tf.Tensor4D[];
    const mixed = attention(rotary(q!, cos, sin), rotary(k!, cos, sin), v!, { bias });
    const joined = tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [batch, length, width]);
    x = tf.add(x, linear(joined, w[`o${layer}`]!));
    const middle = rmsNorm(x, w[`norm2${layer}`]!, 1e-5);
    const gated = swiGlu(linear(middle, w[`gate${layer}`]!), linear(middle, w[`up${layer}`]!));
    x = tf.add(x, linear(gated, w[`down${layer}`]!));
  }
  const states = tf.slice(x, [0, patches - 1, 0], [batch, text, width]);
  const logits = linear(tf.reshape(rmsNorm(states, w.norm!, 1e-5), [-1, width]), w.head!);
  return crossEntropy(logits as tf.Tensor2D, { tokens: ids }).loss;
}

interface Measured {
  readonly times: Times;
  /** Losses of the first three steps, nats. */
  readonly losses: readonly number[];
}

async function measure(): Promise<Measured> {
  const weights = createWeights();
  const fixed = createConstants();
  const optimizer = createAdamW(weights, { learningRate: 1e-3, weightDecay: 0.01 });
  const step = async (): Promise<number> => {
    const { value, grads } = tf.variableGrads(() => loss(weights, fixed), Object.values(weights));
    optimizer.step(Object.fromEntries(Object.entries(weights).map(([name, { name: id }]) => [name, grads[id]!])));
    const [number] = await value.data();
    tf.dispose([value, ...Object.values(grads)]);
    return number!;
  };
  const losses = [await step(), await step(), await step()];
  return { losses, times: await shortestTimes(rounds, step) };
}

const options = readBenchOptions();
const report = await openBackend(options.backend);
const ours = await measure();
const peers: Record<string, Measured> = {};
if (options.python !== undefined) {
  for (const threads of [1, 2]) {
    peers[`PyTorch, ${threads} threads`] = runPeer<Measured>(options.python, "train_step.py", threads, [
      String(rounds),
    ]);
  }
}
if (!options.json) {
  printTable(
    ["train step", "ms", "processor ms", "times as long (processor)", "losses"],
    Object.entries({ [options.backend]: ours, ...peers }).map(([name, { times, losses }]) => [
      name,
      times.wall.toFixed(1),
      times.processor.toFixed(1),
      name === options.backend ? "" : compareTimes(ours.times, times),
      losses.map((value) => value.toFixed(4)).join(" "),
    ]),
  );
}
console.log(JSON.stringify({ bench: "train-step", backend: report, ours, peers }));
