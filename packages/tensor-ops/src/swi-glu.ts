import * as tf from "@tensorflow/tfjs-core";
import { defineKernel } from "./define-kernel.ts";
import { defineOp } from "./define-op.ts";

/** Inputs: dy, gate, up. Results: the gradients of gate and of up. */
const gradients = defineKernel<object>({
  name: "OpdSwiGluGradient",
  compose: ([dy, gate, up]) => {
    const sigmoid = tf.sigmoid(gate!);
    const dGate = tf.tidy(() => {
      const slope = tf.mul(sigmoid, tf.add(tf.mul(gate!, tf.sub(1, sigmoid)), 1));
      return tf.mul(tf.mul(dy!, up!), slope);
    });
    return [dGate, tf.mul(dy!, tf.mul(gate!, sigmoid))];
  },
});

const swiGluOp = defineOp<object>({
  name: "OpdSwiGlu",
  compose: ([gate, up]) => tf.mul(tf.mul(gate!, tf.sigmoid(gate!)), up!),
  gradient: (dy, [gate, up]) => {
    const [dGate, dUp] = gradients<tf.Tensor[]>([dy, gate!, up!], {});
    return [() => dGate!, () => dUp!];
  },
});

/** `silu(gate) · up` with `silu(x) = x · σ(x)`, elementwise (Shazeer, arXiv 2002.05202). Both inputs have one shape. */
export function swiGlu(gate: tf.Tensor, up: tf.Tensor): tf.Tensor {
  return swiGluOp([gate, up], {});
}
