import { permute, transpose } from "./layout.ts";
import { mapRows, type Numbers, sum, zip } from "./numbers.ts";

/** `[m, k] · [k, n]` */
export function multiply(a: Numbers, b: Numbers, [m, k, n]: readonly [number, number, number]): Numbers {
  const product = new Float64Array(m * n);
  for (let row = 0; row < m; row++)
    for (let column = 0; column < n; column++)
      for (let i = 0; i < k; i++) product[row * n + column]! += a[row * k + i]! * b[i * n + column]!;
  return product;
}

/** `x · weightᵀ`. @param x `[…, inputs]` @param weight `[outputs, inputs]` */
export function linear(x: Numbers, weight: Numbers, inputs: number): Numbers {
  const outputs = weight.length / inputs;
  return multiply(x, transpose(weight, outputs, inputs), [x.length / inputs, inputs, outputs]);
}

export function softmax(row: Numbers): Numbers {
  const largest = row.reduce((a, b) => Math.max(a, b));
  const exponentials = row.map((value) => Math.exp(value - largest));
  const total = sum(exponentials);
  return exponentials.map((value) => value / total);
}

export function rmsNorm(x: Numbers, weight: Numbers, epsilon: number): Numbers {
  const width = weight.length;
  return mapRows(x, width, (row) => {
    const scale = 1 / Math.sqrt(sum(row.map((value) => value * value)) / width + epsilon);
    return row.map((value, i) => value * scale * weight[i]!);
  });
}

export function layerNorm(x: Numbers, weight: Numbers, bias: Numbers, epsilon: number): Numbers {
  const width = weight.length;
  return mapRows(x, width, (row) => {
    const mean = sum(row) / width;
    const variance = sum(row.map((value) => (value - mean) ** 2)) / width;
    return row.map((value, i) => ((value - mean) / Math.sqrt(variance + epsilon)) * weight[i]! + bias[i]!);
  });
}

/** @param x `[…, n, d]` @param cos `[n, d]` */
export function rotary(x: Numbers, cos: Numbers, sin: Numbers, d: number): Numbers {
  const rotated = mapRows(x, d, (row) => row.map((_, i) => (i < d / 2 ? -row[i + d / 2]! : row[i - d / 2]!)));
  return zip(
    zip(x, cos, (value, c) => value * c),
    zip(rotated, sin, (value, s) => value * s),
    (a, b) => a + b,
  );
}

export const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
export const silu = (x: number): number => x * sigmoid(x);
export const geluTanh = (x: number): number =>
  0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)));

/** Sizes of an attention block. */
export interface HeadSizes {
  readonly batch: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly length: number;
  readonly d: number;
}

/** Attention with grouped heads. @param q `[B, H, n, d]` @param k `[B, kvHeads, n, d]` @param bias `[n, n]` */
export function attention(q: Numbers, k: Numbers, v: Numbers, bias: Numbers, sizes: HeadSizes): Numbers {
  const { batch, heads, kvHeads, length, d } = sizes;
  const block = length * d;
  const result = new Float64Array(q.length);
  for (let head = 0; head < batch * heads; head++) {
    const group = Math.floor(head / heads) * kvHeads + Math.floor((head % heads) / (heads / kvHeads));
    const part = (x: Numbers, index: number) => x.subarray(index * block, (index + 1) * block);
    const scores = multiply(part(q, head), transpose(part(k, group), length, d), [length, d, length]);
    const biased = zip(scores, bias, (score, extra) => score / Math.sqrt(d) + extra);
    const weights = mapRows(biased, length, softmax);
    result.set(multiply(weights, part(v, group), [length, length, d]), head * block);
  }
  return result;
}

/** `[B, n, heads · d]` → `[B, heads, n, d]` */
export function splitHeads(x: Numbers, [batch, length, heads, d]: readonly [number, number, number, number]): Numbers {
  return permute(x, [batch, length, heads, d], [0, 2, 1, 3]);
}
