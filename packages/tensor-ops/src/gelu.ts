import * as tf from "@tensorflow/tfjs-core";
import { defineKernel } from "./define-kernel.ts";
import { defineOp } from "./define-op.ts";

const root = Math.sqrt(2 / Math.PI);
const cubic = 0.044715;

function innerTanh(x: tf.Tensor): tf.Tensor {
  return tf.tanh(tf.mul(tf.mul(x, tf.add(tf.mul(tf.square(x), cubic), 1)), root));
}

/** Inputs: dy, x. */
const inputGradient = defineKernel<object>({
  name: "OpdGeluTanhGradient",
  compose: ([dy, x]) => {
    const t = innerTanh(x!);
    const inner = tf.mul(tf.add(tf.mul(tf.square(x!), 3 * cubic), 1), root);
    const curve = tf.mul(tf.mul(x!, tf.sub(1, tf.square(t))), inner);
    return tf.mul(dy!, tf.mul(tf.add(tf.add(t, 1), curve), 0.5));
  },
});

const geluTanhOp = defineOp<object>({
  name: "OpdGeluTanh",
  compose: ([x]) => tf.mul(tf.mul(x!, 0.5), tf.add(innerTanh(x!), 1)),
  gradient: (dy, [x]) => [() => inputGradient([dy, x!], {})],
});

/** `½x(1 + tanh(√(2/π)(x + 0.044715x³)))`, PyTorch's GELU with `approximate="tanh"` (Hendrycks and Gimpel, arXiv 1606.08415). */
export function geluTanh(x: tf.Tensor): tf.Tensor {
  return geluTanhOp([x], {});
}
