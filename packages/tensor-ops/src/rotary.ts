import { ImagineOpdError } from "@imagine-opd/protocol";
import * as tf from "@tensorflow/tfjs-core";
import { defineKernel } from "./define-kernel.ts";
import { defineOp } from "./define-op.ts";

type Halves = readonly [tf.Tensor, tf.Tensor];

function halves(x: tf.Tensor): Halves {
  const [batch, heads, length, size] = x.shape as [number, number, number, number];
  const half = size / 2;
  return [
    tf.slice(x, [0, 0, 0, 0], [batch, heads, length, half]),
    tf.slice(x, [0, 0, 0, half], [batch, heads, length, half]),
  ];
}

/** Inputs: dy, cos, sin. */
const inputGradient = defineKernel<object>({
  name: "OpdRotaryGradient",
  compose: ([dy, cos, sin]) => {
    const [first, second] = halves(tf.mul(dy!, sin!));
    return tf.add(tf.mul(dy!, cos!), tf.concat([second, tf.neg(first)], 3));
  },
});

const rotaryOp = defineOp<object>({
  name: "OpdRotary",
  compose: ([x, cos, sin]) => {
    const [first, second] = halves(x!);
    return tf.add(tf.mul(x!, cos!), tf.mul(tf.concat([tf.neg(second), first], 3), sin!));
  },
  gradient: (dy, [, cos, sin]) => {
    const constant = () => {
      throw new ImagineOpdError("unsupported", {
        where: "tensor-ops.rotary",
        problem: "the angles have no gradient.",
        remedy: "Pass cos and sin as constants.",
      });
    };
    return [() => inputGradient([dy, cos!, sin!], {}), constant, constant];
  },
});

/**
 * Rotary position embedding: `x · cos + [−x₂, x₁] · sin` with `x₁, x₂` the halves of the last axis
 * (Su et al., arXiv 2104.09864, in the half-split form that Llama checkpoints use).
 * @param x `[B, H, n, d]`, d even
 * @param cos `[B or 1, 1, n, d]`, the d/2 angles' cosines twice; no gradient
 * @param sin like `cos`
 */
export function rotary(x: tf.Tensor4D, cos: tf.Tensor, sin: tf.Tensor): tf.Tensor4D {
  return rotaryOp([x, cos, sin], {}) as tf.Tensor4D;
}
