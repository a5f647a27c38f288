import * as tf from "@tensorflow/tfjs-core";
import { attention } from "../../attention.ts";
import { decodeLayer } from "../../decode-layer.ts";
import { linear } from "../../linear.ts";
import { recompute } from "../../recompute.ts";
import { rmsNorm } from "../../rms-norm.ts";
import { rotary } from "../../rotary.ts";
import { swiGlu } from "../../swi-glu.ts";
import type { ProbeCase } from "../probe-case.ts";
import * as reference from "../reference/blocks.ts";
import { permute } from "../reference/layout.ts";
import { input, type Numbers, waves, zip } from "../reference/numbers.ts";

const [length, width, heads, kvHeads, headDim, inner] = [3, 4, 2, 1, 2, 6];
const epsilon = 1e-2;
const angles = Float64Array.from({ length: length * headDim }, (_, i) => Math.floor(i / headDim));
const cos = input([1, 1, length, headDim], angles.map(Math.cos));
const sin = input([1, 1, length, headDim], angles.map(Math.sin));
const causal = input([1, 1, 3, 3], [0, -1e9, -1e9, 0, 0, -1e9, 0, 0, 0]);
const constant = ({ values, shape }: typeof cos) => tf.tensor(Float32Array.from(values), [...shape]);

/** x, then the weights of one decoder layer. */
const inputs = [
  waves([1, length, width]),
  waves([width], 1),
  waves([heads * headDim, width], 2),
  waves([kvHeads * headDim, width], 3),
  waves([kvHeads * headDim, width], 4),
  waves([width, heads * headDim], 5),
  waves([width], 6),
  waves([inner, width], 7),
  waves([inner, width], 8),
  waves([width, inner], 9),
];

function decoderBlock(...tensors: tf.Tensor[]): tf.Tensor {
  const [x, inputNorm, q, k, v, o, postNorm, gate, up, down] = tensors as [tf.Tensor, ...tf.Tensor[]];
  const normed = rmsNorm(x, inputNorm!, epsilon);
  const split = (weight: tf.Tensor, count: number) =>
    tf.transpose(tf.reshape(linear(normed, weight), [1, length, count, headDim]), [0, 2, 1, 3]) as tf.Tensor4D;
  const turn = (part: tf.Tensor4D) => rotary(part, constant(cos), constant(sin));
  const bias = constant(causal);
  const attended = attention(turn(split(q!, heads)), turn(split(k!, kvHeads)), split(v!, kvHeads), { bias });
  const joined = tf.reshape(tf.transpose(attended, [0, 2, 1, 3]), [1, length, heads * headDim]);
  const middle = tf.add(x, linear(joined, o!));
  const again = rmsNorm(middle, postNorm!, epsilon);
  return tf.add(middle, linear(swiGlu(linear(again, gate!), linear(again, up!)), down!));
}

function referenceBlock(...numbers: Numbers[]): Numbers {
  const [x, inputNorm, q, k, v, o, postNorm, gate, up, down] = numbers as [Numbers, ...Numbers[]];
  const add = (a: Numbers, b: Numbers) => zip(a, b, (first, second) => first + second);
  const normed = reference.rmsNorm(x, inputNorm!, epsilon);
  const split = (weight: Numbers, count: number) =>
    reference.splitHeads(reference.linear(normed, weight, width), [1, length, count, headDim]);
  const turn = (part: Numbers) => reference.rotary(part, cos.values, sin.values, headDim);
  const sizes = { batch: 1, heads, kvHeads, length, d: headDim };
  const attended = reference.attention(
    turn(split(q!, heads)),
    turn(split(k!, kvHeads)),
    split(v!, kvHeads),
    causal.values,
    sizes,
  );
  const joined = permute(attended, [1, heads, length, headDim], [0, 2, 1, 3]);
  const middle = add(x, reference.linear(joined, o!, heads * headDim));
  const again = reference.rmsNorm(middle, postNorm!, epsilon);
  const gated = zip(
    reference.linear(again, gate!, width),
    reference.linear(again, up!, width),
    (g, u) => reference.silu(g) * u,
  );
  return add(middle, reference.linear(gated, down!, inner));
}

/** The last token of the same sequence over the cached keys and values of those before it. */
function decodeLastToken(...tensors: tf.Tensor[]): tf.Tensor {
  const [x, inputNorm, q, k, v, o, postNorm, gate, up, down] = tensors as [tf.Tensor, ...tf.Tensor[]];
  const past = length - 1;
  const before = rmsNorm(tf.slice(x, [0, 0, 0], [1, past, width]), inputNorm!, epsilon);
  const kvPart = (weight: tf.Tensor) => tf.reshape(linear(before, weight), [1, kvHeads, past, headDim]) as tf.Tensor4D;
  const at = (table: tf.Tensor, from: number, count: number) =>
    tf.slice(table, [0, 0, from, 0], [1, 1, count, headDim]);
  const [allCos, allSin] = [constant(cos), constant(sin)];
  const cache = { k: rotary(kvPart(k!), at(allCos, 0, past), at(allSin, 0, past)), v: kvPart(v!) };
  const last = tf.reshape(tf.slice(x, [0, past, 0], [1, 1, width]), [1, width]) as tf.Tensor2D;
  const weights = {
    inputNorm: inputNorm!,
    q: q!,
    k: k!,
    v: v!,
    o: o!,
    postNorm: postNorm!,
    gate: gate!,
    up: up!,
    down: down!,
  };
  const position = { length: past, pads: Int32Array.of(0), heads, epsilon };
  const angles = { cos: at(allCos, past, 1) as tf.Tensor4D, sin: at(allSin, past, 1) as tf.Tensor4D };
  return decodeLayer(last, weights, cache, { ...position, ...angles }).x;
}

/** A whole decoder layer with every gradient, plain and recomputed, and decoding with it. */
export const decoderBlocks: readonly ProbeCase[] = [
  { op: "decoder layer", inputs, run: decoderBlock, reference: referenceBlock, gradient: "needed" },
  {
    op: "decoder layer, recomputed",
    inputs,
    run: (...tensors) => recompute(decoderBlock, tensors),
    reference: referenceBlock,
    gradient: "needed",
  },
  {
    op: "decoder layer, one token over a cache",
    inputs,
    run: decodeLastToken,
    reference: (...numbers) => referenceBlock(...numbers).subarray((length - 1) * width),
    gradient: "not needed",
  },
];
