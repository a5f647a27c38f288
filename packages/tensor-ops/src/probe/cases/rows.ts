import * as tf from "@tensorflow/tfjs-core";
import type { ProbeCase } from "../probe-case.ts";
import { softmax } from "../reference/blocks.ts";
import { permute } from "../reference/layout.ts";
import { input, mapRows, type Numbers, sum, waves } from "../reference/numbers.ts";

const cube = [3, 4, 5] as const;

/** Reduction of a `[3, 4, 5]` tensor over one axis. */
function overAxis(axis: number, reduce: (row: Numbers) => number): (x?: Numbers) => Numbers {
  const order = [...cube.keys()].filter((each) => each !== axis);
  return (x) => mapRows(permute(x!, cube, [...order, axis]), cube[axis]!, (row) => [reduce(row)]);
}

const largest = (row: Numbers): number => row.reduce((a, b) => Math.max(a, b));
const masked = [1, -1e9, 1 + Math.LN2, 1];
const allMasked = [-1e9, -1e9, -1e9, -1e9];
const denormal = [0, -95, -100, 0];
const wide = waves([2, 3001]);

export const rowReductions: readonly ProbeCase[] = [
  ...[0, 1, 2].map(
    (axis): ProbeCase => ({
      op: `sum, axis ${axis}`,
      inputs: [waves(cube)],
      run: (x) => tf.sum(x!, axis),
      reference: overAxis(axis, sum),
      gradient: "needed",
    }),
  ),
  {
    op: "sum, rows of 3001",
    inputs: [wide],
    run: (x) => tf.sum(x!, 1, true),
    reference: (x) => mapRows(x!, 3001, (row) => [sum(row)]),
    gradient: "not needed",
  },
  {
    op: "mean, last axis",
    inputs: [waves(cube)],
    run: (x) => tf.mean(x!, 2, true),
    reference: overAxis(2, (row) => sum(row) / row.length),
    gradient: "not needed",
  },
  {
    op: "max, last axis",
    inputs: [waves(cube)],
    run: (x) => tf.max(x!, 2, true),
    reference: overAxis(2, largest),
    gradient: "not needed",
  },
  {
    op: "max, rows of 3001",
    inputs: [wide],
    run: (x) => tf.max(x!, 1),
    reference: (x) => mapRows(x!, 3001, (row) => [largest(row)]),
    gradient: "not needed",
  },
  {
    op: "softmax, masked with -1e9, denormal results",
    inputs: [input([4, 4], [...masked, ...allMasked, ...denormal, 0, 1, 2, 3])],
    run: (x) => tf.softmax(x!),
    reference: (x) => mapRows(x!, 4, softmax),
    gradient: "not needed",
  },
  {
    op: "softmax, rows of 3001",
    inputs: [wide],
    run: (x) => tf.mul(tf.softmax(x!), 3001),
    reference: (x) => mapRows(x!, 3001, (row) => softmax(row).map((value) => 3001 * value)),
    gradient: "not needed",
  },
  {
    op: "topk, values and places",
    inputs: [waves([3, 9])],
    run: (x) => {
      const { values, indices } = tf.topk(x!, 4);
      return tf.concat([values, tf.cast(indices, "float32")], 0);
    },
    reference: (x) => {
      const order = (row: Numbers) => [...row.keys()].sort((a, b) => row[b]! - row[a]!).slice(0, 4);
      const values = mapRows(x!, 9, (row) => order(row).map((place) => row[place]!));
      return [...values, ...mapRows(x!, 9, order)];
    },
    gradient: "not needed",
  },
];
