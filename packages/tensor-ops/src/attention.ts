import { ImagineOpdError } from "@imagine-opd/protocol";
import * as tf from "@tensorflow/tfjs-core";
import { defineKernel } from "./define-kernel.ts";
import { defineOp } from "./define-op.ts";

interface Attributes {
  readonly scale: number;
}

/** Query heads that share a key head become more rows of it: `[B, H, n, d]` → `[B · kvHeads, H / kvHeads · n, d]`. */
function groupRows(x: tf.Tensor, kvHeads: number): tf.Tensor3D {
  const [batch, heads, length, size] = x.shape as [number, number, number, number];
  return tf.reshape(x, [batch * kvHeads, (heads / kvHeads) * length, size]);
}

/** Attention weights `[B · kvHeads, H / kvHeads · n, m]`. */
function weigh(q: tf.Tensor, k: tf.Tensor, bias: tf.Tensor | undefined, scale: number): tf.Tensor3D {
  const [batch, heads, length] = q.shape as [number, number, number, number];
  const [, kvHeads, keys] = k.shape as [number, number, number, number];
  const scores = tf.mul(tf.matMul(groupRows(q, kvHeads), groupRows(k, kvHeads), false, true), scale);
  if (bias === undefined) return tf.softmax(scores) as tf.Tensor3D;
  const biased = tf.add(tf.reshape(scores, [batch, heads, length, keys]), bias);
  return tf.reshape(tf.softmax(biased), scores.shape as [number, number, number]);
}

/** Inputs: dy, q, k, v and the bias where there is one. Results: the gradients of q, k and v. */
const gradients = defineKernel<Attributes>({
  name: "OpdAttentionGradient",
  compose: ([dy, q, k, v, bias], { scale }) => {
    const kvHeads = k!.shape[1]!;
    // The weights are made again rather than kept.
    const weights = weigh(q!, k!, bias, scale);
    const dOut = groupRows(dy!, kvHeads);
    const dWeights = tf.matMul(dOut, groupRows(v!, kvHeads), false, true);
    const product = tf.mul(weights, dWeights);
    const dScores = tf.mul(tf.sub(product, tf.mul(weights, tf.sum(product, 2, true))), scale);
    return [
      tf.reshape(tf.matMul(dScores, groupRows(k!, kvHeads)), q!.shape),
      tf.reshape(tf.matMul(dScores, groupRows(q!, kvHeads), true, false), k!.shape),
      tf.reshape(tf.matMul(weights, dOut, true, false), v!.shape),
    ];
  },
});

const attentionOp = defineOp<Attributes>({
  name: "OpdAttention",
  compose: ([q, k, v, bias], { scale }) => {
    const weights = weigh(q!, k!, bias, scale);
    return tf.reshape(tf.matMul(weights, groupRows(v!, v!.shape[1]!)), q!.shape);
  },
  gradient: (dy, saved, attributes) => {
    const [dq, dk, dv] = gradients<tf.Tensor[]>([dy, ...saved], attributes);
    const constant = () => {
      throw new ImagineOpdError("unsupported", {
        where: "tensor-ops.attention",
        problem: "the bias has no gradient.",
        remedy: "Pass it as a constant.",
      });
    };
    return [() => dq!, () => dk!, () => dv!, ...(saved.length > 3 ? [constant] : [])];
  },
});

/**
 * `softmax(q · kᵀ · scale + bias) · v` for each head; query head `j` reads key head `⌊j · kvHeads / H⌋`
 * (Vaswani et al., arXiv 1706.03762; grouped queries: Ainslie et al., arXiv 2305.13245).
 * @param q `[B, H, n, d]`
 * @param k `[B, kvHeads, m, d]`
 * @param v `[B, kvHeads, m, d]`
 * @param bias added to the scores, broadcast to `[B, H, n, m]`: 0 where a query may look, −1e9 where it may not; no gradient
 * @returns `[B, H, n, d]`
 */
export function attention(
  q: tf.Tensor4D,
  k: tf.Tensor4D,
  v: tf.Tensor4D,
  { bias, scale = q.shape[3] ** -0.5 }: { readonly bias?: tf.Tensor; readonly scale?: number } = {},
): tf.Tensor4D {
  return attentionOp(bias === undefined ? [q, k, v] : [q, k, v, bias], { scale }) as tf.Tensor4D;
}
