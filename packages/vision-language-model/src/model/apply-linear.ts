import { linear } from "@imagine-opd/tensor-ops";
import * as tf from "@tensorflow/tfjs-core";
import type { LinearWeights } from "./weight-store.ts";

/** `x · Wᵀ + bias`, plus the adapter's `scale · (x · aᵀ) · bᵀ` (Hu et al., arXiv 2106.09685). `[…, in]` → `[…, out]` */
export function applyLinear(x: tf.Tensor, { weight, bias, adapter }: LinearWeights): tf.Tensor {
  const y = linear(x, weight, bias);
  return adapter === undefined ? y : tf.add(y, tf.mul(linear(linear(x, adapter.a), adapter.b), adapter.scale));
}
