import { allocate, blocksOf, disposeAll, rowWindow, widthOf } from "../large-tensors/row-windows.ts";
import { refuseMismatch } from "./check-inputs.ts";
import { defineElementwise, overElements } from "./elementwise.ts";
import type { FusedKernel } from "./fused-kernel.ts";

/** Each row of the table adds up the gradients that are its own, in their order: no atomics, the same bits every time. */
const sumSegments = defineElementwise(
  "sumSegments",
  () => `
    let row = uniforms.first + i / uniforms.columns;
    let column = i % uniforms.columns;
    var sum = 0.0;
    for (var at = starts[row]; at < starts[row + 1]; at++) { sum += dy[order[at] * uniforms.columns + column]; }
    result[i] = sum;`,
);

/** Positions of `rows` grouped by row number (a counting sort), and where in them each row of the table starts. */
function groupByRow(rows: Int32Array, count: number): { order: Int32Array; starts: Int32Array } {
  const starts = new Int32Array(count + 1);
  for (const row of rows) starts[row + 1]! += 1;
  for (let row = 0; row < count; row++) starts[row + 1]! += starts[row]!;
  const next = starts.slice();
  const order = new Int32Array(rows.length);
  rows.forEach((row, position) => {
    order[next[row]!++] = position;
  });
  return { order, starts };
}

/** The gradient of an embedding lookup in its table. */
export const takeRowsGradientKernel: FusedKernel = {
  name: "OpdTakeRowsGradient",
  run: (backend, [dy], attributes) => {
    const { rows, count } = attributes as { rows: Int32Array; count: number };
    if (dy!.shape[0] !== rows.length) {
      refuseMismatch("OpdTakeRowsGradient", `${rows.length} rows were taken, and dy has shape [${dy!.shape}].`);
    }
    const output = [count, ...dy!.shape.slice(1)];
    const columns = widthOf(output);
    const host = groupByRow(rows, count);
    const order = backend.makeTensorInfo([rows.length], "int32", host.order);
    const starts = backend.makeTensorInfo([count + 1], "int32", host.starts);
    const table = allocate(backend, output, "float32");
    for (const [first, block] of blocksOf(backend, output)) {
      const { integers, workgroups } = overElements(block * columns);
      const window = rowWindow(backend, table, first, block);
      sumSegments(backend, {
        constants: {},
        inputs: { dy: dy!, order, starts },
        integers: { ...integers, columns, first },
        workgroups,
        output: window,
      });
      disposeAll(backend, [window]);
    }
    disposeAll(backend, [order, starts]);
    return table;
  },
};
