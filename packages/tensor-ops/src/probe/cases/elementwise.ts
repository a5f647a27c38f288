import * as tf from "@tensorflow/tfjs-core";
import type { ProbeCase } from "../probe-case.ts";
import { sigmoid } from "../reference/blocks.ts";
import { between, input, waves, zip } from "../reference/numbers.ts";

const shape = [3, 4] as const;
const positive = between(shape, 0.5, 2);

type Unary = readonly [op: string, run: (x: tf.Tensor) => tf.Tensor, reference: (x: number) => number];
type Binary = readonly [
  op: string,
  run: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor,
  reference: (a: number, b: number) => number,
];

const unary = ([op, run, reference]: Unary, gradient: ProbeCase["gradient"], x = waves(shape)): ProbeCase => ({
  op,
  inputs: [x],
  run: (tensor) => run(tensor!),
  reference: (numbers) => numbers!.map((value) => reference(value)),
  gradient,
});

const binary = ([op, run, reference]: Binary, gradient: ProbeCase["gradient"], b = positive): ProbeCase => ({
  op,
  inputs: [waves(shape), b],
  run: (first, second) => run(first!, second!),
  reference: (first, second) => zip(first!, second!, reference),
  gradient,
});

const arithmetic: readonly Binary[] = [
  ["add", (a, b) => tf.add(a, b), (a, b) => a + b],
  ["sub", (a, b) => tf.sub(a, b), (a, b) => a - b],
  ["mul", (a, b) => tf.mul(a, b), (a, b) => a * b],
  ["div", (a, b) => tf.div(a, b), (a, b) => a / b],
];

const named = ([op, ...rest]: Binary, suffix: string): Binary => [`${op}, ${suffix}`, ...rest];

const curves: readonly Unary[] = [
  ["neg", (x) => tf.neg(x), (x) => -x],
  ["square", (x) => tf.square(x), (x) => x * x],
  ["exp", (x) => tf.exp(x), Math.exp],
  ["tanh", (x) => tf.tanh(x), Math.tanh],
];

const comparisons: readonly Unary[] = [
  ["abs", (x) => tf.abs(x), Math.abs],
  ["step", (x) => tf.step(x), (x) => (x > 0 ? 1 : 0)],
  ["clipByValue", (x) => tf.clipByValue(x, -0.3, 0.2), (x) => Math.min(0.2, Math.max(-0.3, x))],
  ["less, cast", (x) => tf.cast(tf.less(x, 0.1), "float32"), (x) => (x < 0.1 ? 1 : 0)],
  ["equal, cast", (x) => tf.cast(tf.equal(tf.step(x), 0), "float32"), (x) => (x > 0 ? 0 : 1)],
];

/** The choice that a policy gradient with a dual bound makes. */
const choice: Binary = [
  "where(less and greater)",
  (a, b) => tf.where(tf.logicalAnd(tf.less(a, 0), tf.greater(b, 1)), b, tf.maximum(a, tf.minimum(b, 0.9))),
  (a, b) => (a < 0 && b > 1 ? b : Math.max(a, Math.min(b, 0.9))),
];

export const elementwise: readonly ProbeCase[] = [
  ...arithmetic.map((each) => binary(each, "needed")),
  ...arithmetic.map((each) => binary(named(each, "one row for all"), "needed", between([4], 0.5, 2))),
  ...arithmetic.map((each) => binary(named(each, "one number for all"), "needed", input([], [1.5]))),
  ...curves.map((each) => unary(each, "needed")),
  unary(["log", (x) => tf.log(x), Math.log], "needed", positive),
  unary(["sqrt", (x) => tf.sqrt(x), Math.sqrt], "not needed", positive),
  unary(["rsqrt", (x) => tf.rsqrt(x), (x) => 1 / Math.sqrt(x)], "not needed", positive),
  unary(["sigmoid", (x) => tf.sigmoid(x), sigmoid], "not needed", between(shape, -30, 30)),
  unary(
    ["softplus", (x) => tf.softplus(x), (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)))],
    "not needed",
    between(shape, -30, 30),
  ),
  ...comparisons.map((each) => unary(each, "not needed")),
  binary(choice, "not needed"),
  {
    op: "addN",
    inputs: [waves(shape), waves(shape, 1), waves(shape, 2)],
    run: (a, b, c) => tf.addN([a!, b!, c!]),
    reference: (a, b, c) =>
      zip(
        zip(a!, b!, (x, y) => x + y),
        c!,
        (x, y) => x + y,
      ),
    gradient: "needed",
  },
];
