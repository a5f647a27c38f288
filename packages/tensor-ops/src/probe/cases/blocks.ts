import * as tf from "@tensorflow/tfjs-core";
import { attention } from "../../attention.ts";
import { geluTanh } from "../../gelu.ts";
import { layerNorm } from "../../layer-norm.ts";
import { linear } from "../../linear.ts";
import { rmsNorm } from "../../rms-norm.ts";
import { rotary } from "../../rotary.ts";
import { swiGlu } from "../../swi-glu.ts";
import type { ProbeCase } from "../probe-case.ts";
import * as reference from "../reference/blocks.ts";
import { between, input, type Numbers, waves, zip } from "../reference/numbers.ts";

const epsilon = 1e-2;
const causal = input([1, 1, 3, 3], [0, -1e9, -1e9, 0, 0, -1e9, 0, 0, 0]);
const sizes: reference.HeadSizes = { batch: 2, heads: 4, kvHeads: 2, length: 3, d: 2 };

/** Angles of 3 positions in heads of 4. */
const angles = Float64Array.from({ length: 12 }, (_, i) => Math.floor(i / 4) * [1, 0.1][i % 2]!);
const cos = input([1, 1, 3, 4], angles.map(Math.cos));
const sin = input([1, 1, 3, 4], angles.map(Math.sin));

const constant = ({ values, shape }: typeof cos) => tf.tensor(Float32Array.from(values), [...shape]);

const add = (a: Numbers, b: Numbers): Numbers => zip(a, b, (x, y) => x + y);

export const namedOps: readonly ProbeCase[] = [
  {
    op: "linear with bias",
    inputs: [waves([2, 3, 4]), waves([5, 4], 1), waves([5], 2)],
    run: (x, weight, bias) => linear(x!, weight!, bias!),
    reference: (x, weight, bias) => add(reference.linear(x!, weight!, 4), bias!),
    gradient: "needed",
  },
  {
    op: "linear",
    inputs: [waves([3, 4]), waves([5, 4], 1)],
    run: (x, weight) => linear(x!, weight!),
    reference: (x, weight) => reference.linear(x!, weight!, 4),
    gradient: "needed",
  },
  {
    op: "rmsNorm",
    inputs: [waves([2, 3, 4]), waves([4], 1)],
    run: (x, weight) => rmsNorm(x!, weight!, epsilon),
    reference: (x, weight) => reference.rmsNorm(x!, weight!, epsilon),
    gradient: "needed",
  },
  {
    op: "layerNorm",
    inputs: [waves([2, 3, 4]), waves([4], 1), waves([4], 2)],
    run: (x, weight, bias) => layerNorm(x!, weight!, bias!, epsilon),
    reference: (x, weight, bias) => reference.layerNorm(x!, weight!, bias!, epsilon),
    gradient: "needed",
  },
  {
    op: "rotary",
    inputs: [waves([2, 2, 3, 4])],
    run: (x) => rotary(x as tf.Tensor4D, constant(cos), constant(sin)),
    reference: (x) => reference.rotary(x!, cos.values, sin.values, 4),
    gradient: "needed",
  },
  {
    op: "attention, grouped heads, causal bias",
    inputs: [waves([2, 4, 3, 2]), waves([2, 2, 3, 2], 1), waves([2, 2, 3, 2], 2)],
    run: (q, k, v) => attention(q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D, { bias: constant(causal) }),
    reference: (q, k, v) => reference.attention(q!, k!, v!, causal.values, sizes),
    gradient: "needed",
  },
  {
    op: "attention without bias",
    inputs: [waves([1, 2, 3, 2]), waves([1, 2, 3, 2], 1), waves([1, 2, 3, 2], 2)],
    run: (q, k, v) => attention(q as tf.Tensor4D, k as tf.Tensor4D, v as tf.Tensor4D),
    reference: (q, k, v) =>
      reference.attention(q!, k!, v!, new Float64Array(9), { ...sizes, batch: 1, heads: 2, kvHeads: 2 }),
    gradient: "needed",
  },
  {
    op: "swiGlu",
    inputs: [between([3, 4], -8, 8), waves([3, 4], 1)],
    run: (gate, up) => swiGlu(gate!, up!),
    reference: (gate, up) => zip(gate!, up!, (g, u) => reference.silu(g) * u),
    gradient: "needed",
  },
  {
    op: "geluTanh",
    inputs: [between([3, 4], -4, 4)],
    run: (x) => geluTanh(x!),
    reference: (x) => x!.map(reference.geluTanh),
    gradient: "needed",
  },
];
