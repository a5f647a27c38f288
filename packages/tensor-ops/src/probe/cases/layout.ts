import * as tf from "@tensorflow/tfjs-core";
import { takeRows } from "../../take-rows.ts";
import type { ProbeCase } from "../probe-case.ts";
import * as layout from "../reference/layout.ts";
import { type Numbers, waves } from "../reference/numbers.ts";

/** A permutation of axes, and an operation on what it gives that notices misplaced numbers. */
function transposed(shape: readonly number[], order: readonly number[]): ProbeCase {
  return {
    op: `transpose [${order}]`,
    inputs: [waves(shape)],
    run: (x) => tf.transpose(x!, [...order]),
    reference: (x) => layout.permute(x!, shape, order),
    gradient: "needed",
  };
}

/** `[2, 3]` and another tensor, one after the other along an axis. */
function joined(axis: 0 | 1): ProbeCase {
  const more = axis === 0 ? [1, 3] : [2, 2];
  return {
    op: `concat, axis ${axis}`,
    inputs: [waves([2, 3]), waves(more, 1)],
    run: (a, b) => tf.concat([a!, b!], axis),
    reference: (a, b) =>
      axis === 0
        ? layout.join(a!, b!)
        : layout.join(a!.subarray(0, 3), b!.subarray(0, 2), a!.subarray(3), b!.subarray(2)),
    gradient: "needed",
  };
}

const repeated = [2, 0, 2, 3, 2];

/** `Σ` of the rows that go to each segment. */
function addInto(x: Numbers, width: number, segments: readonly number[], count: number): Numbers {
  const total = new Float64Array(count * width);
  for (const [row, segment] of segments.entries())
    for (let i = 0; i < width; i++) total[segment * width + i]! += x[row * width + i]!;
  return total;
}

export const layouts: readonly ProbeCase[] = [
  transposed([3, 5], [1, 0]),
  transposed([2, 3, 2, 4], [0, 2, 1, 3]),
  transposed([2, 3, 4], [2, 0, 1]),
  joined(0),
  joined(1),
  {
    op: "reshape",
    inputs: [waves([3, 4])],
    run: (x) => tf.reshape(x!, [2, 6]),
    reference: (x) => x!,
    gradient: "needed",
  },
  {
    op: "slice",
    inputs: [waves([3, 4])],
    run: (x) => tf.slice(x!, [1, 1], [2, 2]),
    reference: (x) => layout.pick(x!, [5, 6, 9, 10]),
    gradient: "needed",
  },
  {
    op: "slice, last axis of 4",
    inputs: [waves([1, 2, 2, 4])],
    run: (x) => tf.slice(x!, [0, 0, 0, 2], [1, 2, 2, 2]),
    reference: (x) => layout.pick(x!, [2, 3, 6, 7, 10, 11, 14, 15]),
    gradient: "needed",
  },
  {
    op: "pad",
    inputs: [waves([2, 2])],
    run: (x) =>
      tf.pad(x!, [
        [1, 2],
        [0, 1],
      ]),
    reference: (x) => layout.join([0, 0, 0], x!.subarray(0, 2), [0], x!.subarray(2), new Float64Array(7)),
    gradient: "not needed",
  },
  {
    op: "stack",
    inputs: [waves([4]), waves([4], 1)],
    run: (a, b) => tf.stack([a!, b!]),
    reference: (a, b) => layout.join(a!, b!),
    gradient: "not needed",
  },
  {
    op: "clone and cast",
    inputs: [waves([2, 3])],
    run: (x) => tf.cast(tf.clone(x!), "float32"),
    reference: (x) => x!,
    gradient: "needed",
  },
  {
    op: "gather, repeated rows",
    inputs: [waves([4, 3])],
    run: (x) => tf.gather(x!, tf.tensor1d(repeated, "int32")),
    reference: (x) => layout.takeRows(x!, 3, repeated),
    gradient: "not needed",
  },
  {
    op: "unsortedSegmentSum, repeated and empty segments",
    inputs: [waves([5, 3])],
    run: (x) => tf.unsortedSegmentSum(x!, tf.tensor1d(repeated, "int32"), 6),
    reference: (x) => addInto(x!, 3, repeated, 6),
    gradient: "not needed",
  },
  {
    op: "takeRows, repeated rows",
    inputs: [waves([4, 3])],
    run: (x) => takeRows(x!, Int32Array.from(repeated)),
    reference: (x) => layout.takeRows(x!, 3, repeated),
    gradient: "needed",
  },
  {
    op: "one number a row: int32 arithmetic, gather",
    inputs: [waves([3, 5])],
    run: (x) => {
      const starts = tf.mul(tf.range(0, 3, 1, "int32"), tf.scalar(5, "int32"));
      return tf.gather(tf.reshape(x!, [15]), tf.add(starts, tf.tensor1d([4, 0, 2], "int32")));
    },
    reference: (x) => layout.pick(x!, [4, 5, 12]),
    gradient: "not needed",
  },
];
