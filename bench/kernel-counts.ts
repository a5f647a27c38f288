/**
 * Kernels of a training step of a decoder: every block composed of tfjs operations with tfjs's gradients, against our blocks
 * with gradients in closed form, kept and recomputed. Run it with
 * `node scripts/run.mjs bench/kernel-counts.ts [--backend NAME]`.
 */
import { openBackend } from "@imagine-opd/command-line";
import { createAdamW } from "@imagine-opd/optim";
import * as ours from "@imagine-opd/tensor-ops";
import { waves } from "@imagine-opd/test-kit";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-core/dist/register_all_gradients";
import { type BenchCommandOptions, benchCommand, mebibytes, type Profile, profile } from "./measure.ts";
import { printTable, shortestOf } from "./python-peer.ts";

const sizes = { batch: 4, length: 96, width: 96, heads: 4, kvHeads: 2, headDim: 24, inner: 200, layers: 3 };
const epsilon = 1e-5;

type Blocks = Pick<typeof ours, "linear" | "rmsNorm" | "rotary" | "attention" | "swiGlu">;

const rowsOf = (x: tf.Tensor) => tf.reshape(x, [-1, x.shape.at(-1)!]);

/** The same blocks as someone writes them who has only tfjs. */
const composed: Blocks = {
  linear: (x, weight) =>
    tf.reshape(tf.matMul(rowsOf(x), weight, false, true), [...x.shape.slice(0, -1), weight.shape[0]!]),
  rmsNorm: (x, weight, eps) =>
    tf.mul(tf.mul(x, tf.rsqrt(tf.add(tf.mean(tf.square(x), x.rank - 1, true), eps))), weight),
  rotary: (x, cos, sin) => {
    const [first, second] = tf.split(x, 2, 3) as [tf.Tensor4D, tf.Tensor4D];
    return tf.add(tf.mul(x, cos), tf.mul(tf.concat([tf.neg(second), first], 3), sin));
  },
  attention: (q, k, v, { bias } = {}) => {
    const [batch, heads, length, d] = q.shape;
    const group = heads / k.shape[1];
    const repeat = (x: tf.Tensor4D) =>
      tf.reshape(tf.tile(tf.reshape(x, [batch * k.shape[1], 1, length * d]), [1, group, 1]), [batch, heads, length, d]);
    const scores = tf.mul(tf.matMul(q, repeat(k), false, true), d ** -0.5);
    return tf.matMul(tf.softmax(bias === undefined ? scores : tf.add(scores, bias)), repeat(v)) as tf.Tensor4D;
  },
  swiGlu: (gate, up) => tf.mul(tf.mul(gate, tf.sigmoid(gate)), up),
};

type LayerWeights = Readonly<Record<"norm1" | "q" | "k" | "v" | "o" | "norm2" | "gate" | "up" | "down", tf.Variable>>;

function makeLayer(index: number): LayerWeights {
  const { width, heads, kvHeads, headDim, inner } = sizes;
  const matrix = (rows: number, columns: number, phase: number) =>
    tf.variable(tf.tidy(() => tf.mul(waves([rows, columns], index + phase), columns ** -0.5)));
  const norm = () => tf.variable(tf.ones([width]));
  return {
    norm1: norm(),
    q: matrix(heads * headDim, width, 1),
    k: matrix(kvHeads * headDim, width, 2),
    v: matrix(kvHeads * headDim, width, 3),
    o: matrix(width, heads * headDim, 4),
    norm2: norm(),
    gate: matrix(inner, width, 5),
    up: matrix(inner, width, 6),
    down: matrix(width, inner, 7),
  };
}

interface Plan {
  readonly cos: tf.Tensor4D;
  readonly sin: tf.Tensor4D;
  readonly bias: tf.Tensor4D;
}

function layerOf(blocks: Blocks, w: LayerWeights, { cos, sin, bias }: Plan) {
  const { batch, length, width, heads, kvHeads, headDim } = sizes;
  return (x: tf.Tensor): tf.Tensor => {
    const normed = blocks.rmsNorm(x, w.norm1, epsilon);
    const split = (weight: tf.Tensor, count: number) =>
      tf.transpose(
        tf.reshape(blocks.linear(normed, weight), [batch, length, count, headDim]),
        [0, 2, 1, 3],
      ) as tf.Tensor4D;
    const [q, k] = [split(w.q, heads), split(w.k, kvHeads)].map((part) => blocks.rotary(part, cos, sin));
    const attended = blocks.attention(q!, k!, split(w.v, kvHeads), { bias });
    const joined = tf.reshape(tf.transpose(attended, [0, 2, 1, 3]), [batch, length, width]);
    const middle = tf.add(x, blocks.linear(joined, w.o));
    const inner = blocks.rmsNorm(middle, w.norm2, epsilon);
    return tf.add(
      middle,
      blocks.linear(blocks.swiGlu(blocks.linear(inner, w.gate), blocks.linear(inner, w.up)), w.down),
    );
  };
}

const { backend } = benchCommand("kernel-counts").parse().opts<BenchCommandOptions>();
const opened = await openBackend(backend);
/** Before any of our operations has run and registered its composed form. */
const ownKernels = new Set(tf.getKernelsForBackend(tf.getBackend()).map(({ kernelName }) => kernelName));

const { batch, length, width, headDim, layers } = sizes;
const angles = waves([1, 1, length, headDim]);
const plan: Plan = {
  cos: tf.cos(angles) as tf.Tensor4D,
  sin: tf.sin(angles) as tf.Tensor4D,
  bias: tf.tidy(() => {
    const visible = tf.linalg.bandPart(tf.ones([length, length]), -1, 0);
    return tf.reshape(tf.mul(tf.sub(1, visible), -1e9), [1, 1, length, length]);
  }),
};
const weights = Array.from({ length: layers }, (_, index) => makeLayer(index));
const trainable = Object.fromEntries(
  weights.flatMap((layer, i) => Object.entries(layer).map(([name, variable]) => [`${i}.${name}`, variable])),
);
const x = waves([batch, length, width]);
const optimizer = createAdamW(trainable, { learningRate: 1e-9 });

const forms: Readonly<Record<string, (state: tf.Tensor, layer: LayerWeights) => tf.Tensor>> = {
  "composed of tfjs operations": (state, layer) => layerOf(composed, layer, plan)(state),
  "our blocks": (state, layer) => layerOf(ours, layer, plan)(state),
  "our blocks, recomputed": (state, layer) =>
    ours.recompute((input) => layerOf(ours, layer, plan)(input!), [state, ...Object.values(layer)]),
};

function gradients(apply: (typeof forms)[string]) {
  const forward = () => tf.mean(tf.square(weights.reduce(apply, x))) as tf.Scalar;
  const { value, grads } = tf.variableGrads(forward, Object.values(trainable));
  value.dispose();
  return Object.fromEntries(Object.entries(trainable).map(([name, { name: id }]) => [name, grads[id]!]));
}

/**
 * What a backend launches. The composed form of one of our operations is counted by what it is made of, a kernel of the
 * backend's own as one; views compute nothing.
 */
function countLaunches({ kernels }: Profile): number {
  const views = new Set(["Reshape", "Identity"]);
  return Object.entries(kernels)
    .filter(([name]) => ownKernels.has(name) && !views.has(name))
    .reduce((sum, [, count]) => sum + count, 0);
}

const results: Record<
  string,
  { launches: number; peakBytes: number; milliseconds: number; kernels: Profile["kernels"] }
> = {};
for (const [form, apply] of Object.entries(forms)) {
  const measured = await profile(() => tf.dispose(gradients(apply)));
  const milliseconds = await shortestOf(5, async () => {
    const all = gradients(apply);
    await all["0.q"]!.data();
    tf.dispose(all);
  });
  results[form] = { ...measured, launches: countLaunches(measured), milliseconds };
}
const update = await profile(() => {
  const all = gradients(forms["our blocks"]!);
  optimizer.step(all);
  tf.dispose(all);
});
const updateLaunches = countLaunches(update) - results["our blocks"]!.launches;

printTable(
  [`${layers} decoder layers, forward and backward`, "kernels", "per layer", "peak MiB", "ms"],
  Object.entries(results).map(([form, { launches, peakBytes, milliseconds }]) => [
    form,
    String(launches),
    (launches / layers).toFixed(1),
    mebibytes(peakBytes),
    milliseconds.toFixed(1),
  ]),
);
console.error(`AdamW: ${updateLaunches} more for ${Object.keys(trainable).length} variables`);
console.log(JSON.stringify({ bench: "kernel-counts", backend: opened, sizes, results, updateLaunches }));
