import { createAdamW } from "@imagine-opd/optim";
import { attention, linear, rmsNorm, rotary, swiGlu, takeRows } from "@imagine-opd/tensor-ops";
import * as tf from "@tensorflow/tfjs-core";

/** V vocabulary, D hidden, H heads, T tokens, B sequences. */
const [V, D, H, T, B] = [32, 32, 4, 24, 4];
const headSize = D / H;

const shapes: Readonly<Record<string, readonly number[]>> = {
  embedding: [V, D],
  norm: [D],
  query: [D, D],
  key: [D / 2, D],
  value: [D / 2, D],
  output: [D, D],
  mlpNorm: [D],
  gate: [2 * D, D],
  up: [2 * D, D],
  down: [D, 2 * D],
  head: [V, D],
};

/** Weights from a formula, so that every machine starts from the same bits; norms start at 1. */
function startingWeight(shape: readonly number[], which: number): tf.Variable {
  const size = shape.reduce((product, length) => product * length, 1);
  const value = (i: number) => (shape.length === 1 ? 1 : (((i * 7919 + which * 104729) % 2003) / 1001 - 1) * 0.3);
  return tf.tidy(() =>
    tf.variable(
      tf.tensor(
        Float32Array.from({ length: size }, (_, i) => value(i)),
        [...shape],
      ),
    ),
  );
}

/** Sequences with something to learn: each token follows from the one before, B times from another start. */
function sequences(): Int32Array[] {
  return Array.from({ length: B }, (_, b) => {
    const ids = new Int32Array(T + 1);
    ids[0] = 5 * b + 1;
    for (let t = 1; t <= T; t++) ids[t] = (ids[t - 1]! * 13 + 7) % V;
    return ids;
  });
}

/** Angles of the rotary embedding, `[1, 1, T, headSize]`, and the causal bias, `[1, 1, T, T]`. */
function constants(): { readonly cos: tf.Tensor; readonly sin: tf.Tensor; readonly bias: tf.Tensor } {
  const angle = (i: number): number => {
    const [t, d] = [Math.floor(i / headSize), i % headSize];
    return t * 100 ** (-(d % (headSize / 2)) / (headSize / 2));
  };
  const table = (f: (x: number) => number) =>
    tf.tensor(
      Float32Array.from({ length: T * headSize }, (_, i) => f(angle(i))),
      [1, 1, T, headSize],
    );
  const causal = Float32Array.from({ length: T * T }, (_, i) => (i % T > Math.floor(i / T) ? -1e9 : 0));
  return { cos: table(Math.cos), sin: table(Math.sin), bias: tf.tensor(causal, [1, 1, T, T]) };
}

const heads = (x: tf.Tensor, count: number): tf.Tensor4D =>
  tf.transpose(tf.reshape(x, [B, T, count, headSize]), [0, 2, 1, 3]);

/** Mean negative log-probability of the next token, nats. */
function loss(
  w: Readonly<Record<string, tf.Variable>>,
  inputs: Int32Array,
  targets: tf.Tensor,
  { cos, sin, bias }: ReturnType<typeof constants>,
): tf.Scalar {
  let x: tf.Tensor = takeRows(w.embedding!, inputs);
  const a = rmsNorm(x, w.norm!, 1e-5);
  const q = rotary(heads(linear(a, w.query!), H), cos, sin);
  const k = rotary(heads(linear(a, w.key!), H / 2), cos, sin);
  const mixed = attention(q, k, heads(linear(a, w.value!), H / 2), { bias });
  x = tf.add(x, linear(tf.reshape(tf.transpose(mixed, [0, 2, 1, 3]), [B * T, D]), w.output!));
  const b = rmsNorm(x, w.mlpNorm!, 1e-5);
  x = tf.add(x, linear(swiGlu(linear(b, w.gate!), linear(b, w.up!)), w.down!));
  const logits = linear(x, w.head!);
  const logSum = tf.log(tf.sum(tf.exp(logits), 1));
  return tf.div(tf.sum(tf.sub(logSum, tf.sum(tf.mul(logits, targets), 1))), B * T) as tf.Scalar;
}

export interface TinyTraining {
  /** Loss before each step, nats a token. */
  readonly losses: readonly number[];
  /** The shortest step, reading the loss included. */
  readonly milliseconds: number;
}

/** Trains a transformer of one layer from fixed weights on fixed sequences with AdamW, on the backend that is set. */
export async function trainTinyTransformer(steps: number): Promise<TinyTraining> {
  const weights = Object.fromEntries(
    Object.entries(shapes).map(([name, shape], which) => [name, startingWeight(shape, which)]),
  );
  const data = sequences();
  const inputs = Int32Array.from(data.flatMap((ids) => [...ids.subarray(0, T)]));
  const next = data.flatMap((ids) => [...ids.subarray(1)]);
  const targets = tf.tidy(() => tf.oneHot(tf.tensor1d(next, "int32"), V));
  const fixed = constants();
  const optimizer = createAdamW(weights, { weightDecay: 0 });
  const losses: number[] = [];
  let milliseconds = Number.POSITIVE_INFINITY;
  try {
    for (let step = 0; step < steps; step++) {
      const started = performance.now();
      const { value, grads } = tf.variableGrads(() => loss(weights, inputs, targets, fixed), Object.values(weights));
      const named = Object.fromEntries(Object.entries(weights).map(([name, each]) => [name, grads[each.name]!]));
      optimizer.step(named, { learningRate: 3e-3 });
      losses.push((await value.data())[0]!);
      tf.dispose([value, ...Object.values(grads)]);
      milliseconds = Math.min(milliseconds, performance.now() - started);
    }
  } finally {
    optimizer.dispose();
    tf.dispose([...Object.values(weights), targets, fixed.cos, fixed.sin, fixed.bias]);
  }
  return { losses, milliseconds };
}
