import { ImagineOpdError } from "@imagine-opd/protocol";
import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import { type TensorInfo, util } from "@tensorflow/tfjs-core";
import type { LargeForm } from "./large-form.ts";
import { allocateLike, copyRows, isLarge } from "./row-windows.ts";

/** Rows of a large table, copied one by one (neighbours together): an embedding lookup. */
export const gatherRows: LargeForm = ({ backend, inputs, attrs }) => {
  const [table, indices] = inputs as [TensorInfo, TensorInfo];
  const [axis] = util.parseAxisParam((attrs.axis ?? 0) as number, table.shape);
  if (!isLarge(backend, table.shape) || axis !== 0 || attrs.batchDims) return undefined;
  const rows = readIndices(backend, indices, table.shape[0]!);
  const result = allocateLike(backend, [rows.length, ...table.shape.slice(1)], table);
  let at = 0;
  while (at < rows.length) {
    let count = 1;
    while (at + count < rows.length && rows[at + count] === rows[at]! + count) count += 1;
    copyRows(backend, { source: table, from: rows[at]!, count }, { target: result, at });
    at += count;
  }
  return { ...result, shape: [...indices.shape, ...table.shape.slice(1)] };
};

function readIndices(backend: WebGPUBackend, indices: TensorInfo, rows: number): ArrayLike<number> {
  const { values } = backend.tensorMap.get(indices.dataId);
  if (values === null || values === undefined) {
    throw new ImagineOpdError("unsupported", {
      where: "backend-webgpu.GatherV2",
      problem: "row numbers that the device computed cannot choose from a table larger than it binds at once.",
      remedy: "Read them first, or gather from slices of the table.",
    });
  }
  const numbers = values as Int32Array;
  const outside = numbers.find((row) => !(row >= 0 && row < rows));
  if (outside === undefined) return numbers;
  throw new ImagineOpdError("invalid-argument", {
    where: "backend-webgpu.GatherV2",
    problem: `row ${outside} is outside the table of ${rows} rows.`,
    details: { row: outside, rows },
  });
}
