import { ImagineOpdError } from "@imagine-opd/protocol";
import * as tf from "@tensorflow/tfjs-core";
import { defineKernel } from "./define-kernel.ts";
import { defineOp } from "./define-op.ts";

interface Attributes {
  readonly rows: Int32Array;
  readonly count: number;
}

/** Inputs: dy. */
const tableGradient = defineKernel<Attributes>({
  name: "OpdTakeRowsGradient",
  compose: ([dy], { rows, count }) => tf.unsortedSegmentSum(dy!, tf.tensor1d(rows, "int32"), count),
});

const takeRowsOp = defineOp<Attributes>({
  name: "OpdTakeRows",
  compose: ([table], { rows }) => tf.gather(table!, tf.tensor1d(rows, "int32")),
  gradient: (dy, _saved, attributes) => [() => tableGradient([dy], attributes)],
  save: { inputs: false },
});

/**
 * The named rows of a table: an embedding lookup, or a reordering. Rows may repeat; their gradients add up.
 * @param table `[R, …]`
 * @param rows row numbers; at least one
 * @returns `[rows.length, …]`
 * @throws invalid-argument when a number is not a row of the table (a GPU would quietly read something else)
 */
export function takeRows(table: tf.Tensor, rows: Int32Array): tf.Tensor {
  const count = table.shape[0]!;
  const outside = rows.findIndex((row) => row < 0 || row >= count);
  if (rows.length === 0 || outside >= 0) {
    throw new ImagineOpdError("invalid-argument", {
      where: "tensor-ops.takeRows",
      problem:
        rows.length === 0
          ? "`rows` is empty."
          : `row ${rows[outside]} (at ${outside}) is outside the table of ${count} rows.`,
      details: { position: outside, count },
    });
  }
  return takeRowsOp([table], { rows, count });
}
