import {
  adamWUpdate,
  attention,
  decodeLayer,
  geluTanh,
  layerNorm,
  linear,
  rmsNorm,
  rotary,
  swiGlu,
} from "@imagine-opd/tensor-ops";
import { checksum, integers, type KernelCheck } from "@imagine-opd/tensor-ops/kernel-checks";
import * as tf from "@tensorflow/tfjs-core";

/** Eighths between -5/8 and 5/8, exact in float32. */
const eighths = (shape: readonly number[], step: number): tf.Tensor => tf.div(integers(shape, step), 8);

/** One number from the value of an op and from the gradients of `Σ value²` in its inputs. */
function throughAndBack(op: (...inputs: tf.Tensor[]) => tf.Tensor, ...inputs: tf.Tensor[]): tf.Tensor {
  const gradients = tf.grads((...x) => tf.sum(tf.square(op(...x))))(inputs);
  return checksum(tf.concat([op(...inputs), ...gradients].map((x) => tf.reshape(x, [x.size]))));
}

function decodeOnce(): tf.Tensor {
  const matrix = (rows: number, columns: number, step: number) => eighths([rows, columns], step);
  const weights = {
    inputNorm: eighths([6], 3),
    q: matrix(8, 6, 5),
    k: matrix(4, 6, 7),
    v: matrix(4, 6, 9),
    o: matrix(6, 8, 2),
    postNorm: eighths([6], 4),
    gate: matrix(5, 6, 6),
    up: matrix(5, 6, 8),
    down: matrix(6, 5, 10),
  };
  const cache = { k: eighths([2, 1, 3, 4], 3) as tf.Tensor4D, v: eighths([2, 1, 3, 4], 5) as tf.Tensor4D };
  const [cos, sin] = [eighths([2, 1, 1, 4], 7) as tf.Tensor4D, eighths([2, 1, 1, 4], 9) as tf.Tensor4D];
  const position = { length: 3, pads: Int32Array.of(0, 2), cos, sin, heads: 2, epsilon: 0.5 };
  const { x, cache: grown } = decodeLayer(eighths([2, 6], 3) as tf.Tensor2D, weights, cache, position);
  const added = [grown.k, grown.v].map((part) => tf.slice(part, [0, 0, 3, 0], [2, 1, 1, 4]));
  return checksum(tf.concat([x, ...added].map((part) => tf.reshape(part, [part.size]))));
}

/** Weight and running averages after one update. */
function updateOnce(): tf.Tensor {
  const tensors = { weight: eighths([7], 3), first: eighths([7], 7), second: tf.square(eighths([7], 4)) };
  const scalars = {
    gradientScale: 0.5,
    decay: 0.75,
    firstRate: 0.25,
    secondKeep: 0.5,
    secondRate: 0.5,
    epsilon: 0.125,
    stepSize: 2,
  };
  const { weight, first, second } = adamWUpdate(tensors, eighths([7], 5), scalars);
  return checksum(tf.concat([weight, first, second]));
}

/** The ops of tensor-ops, value and gradients, on sizes that leave remainders of every vector. Numbers from backend-cpu. */
export const fusedChecks: readonly KernelCheck[] = [
  {
    kernel: "OpdLinear",
    what: "value and gradients",
    run: () => throughAndBack((x, w, b) => linear(x!, w!, b), eighths([3, 5], 3), eighths([6, 5], 7), eighths([6], 4)),
    expected: [-95.60547],
    tolerance: 5e-4,
  },
  {
    kernel: "OpdRmsNorm",
    what: "value and gradients",
    run: () => throughAndBack((x, w) => rmsNorm(x!, w!, 0.5), eighths([3, 6], 3), eighths([6], 7)),
    expected: [-35.81933],
    tolerance: 5e-4,
  },
  {
    kernel: "OpdLayerNorm",
    what: "value and gradients",
    run: () =>
      throughAndBack((x, w, b) => layerNorm(x!, w!, b!, 0.5), eighths([3, 6], 3), eighths([6], 7), eighths([6], 4)),
    expected: [-20.54751],
    tolerance: 5e-4,
  },
  {
    kernel: "OpdGeluTanh",
    what: "value and gradient",
    run: () => throughAndBack((x) => geluTanh(x!), integers([11], 3)),
    expected: [649.97711],
    tolerance: 5e-4,
  },
  {
    kernel: "OpdSwiGlu",
    what: "value and gradients",
    run: () => throughAndBack((gate, up) => swiGlu(gate!, up!), eighths([7], 3), eighths([7], 7)),
    expected: [5.39496231],
    tolerance: 5e-4,
  },
  {
    kernel: "OpdRotary",
    what: "value and gradient",
    run: () => {
      const [cos, sin] = [eighths([1, 1, 2, 6], 7), eighths([1, 1, 2, 6], 9)];
      return throughAndBack((x) => rotary(x as tf.Tensor4D, cos, sin), eighths([2, 2, 2, 6], 3));
    },
    expected: [-96.66016],
    tolerance: 5e-4,
  },
  {
    kernel: "OpdAttention",
    what: "value and gradients, grouped heads and hidden keys",
    run: () => {
      const bias = tf.tensor4d([0, -1e9, -1e9, 0, 0, -1e9], [1, 1, 2, 3]);
      const op = (q: tf.Tensor, k: tf.Tensor, v: tf.Tensor) =>
        attention(q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D, { bias });
      const inputs = [eighths([1, 2, 2, 3], 3), eighths([1, 1, 3, 3], 7), eighths([1, 1, 3, 3], 4)];
      return throughAndBack((q, k, v) => op(q!, k!, v!), ...inputs);
    },
    expected: [-71.86879],
    tolerance: 5e-4,
  },
  {
    kernel: "OpdDecodeLayer",
    what: "one token for two rows, one of them padded, into a full cache",
    run: decodeOnce,
    expected: [-1.52098],
    tolerance: 5e-4,
  },
  {
    kernel: "OpdAdamW",
    what: "one update",
    run: updateOnce,
    expected: [-1.48559],
    tolerance: 5e-4,
  },
];
