import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import type { TensorInfo } from "@tensorflow/tfjs-core";
import { sizeOf } from "../kernels/check-inputs.ts";
import { type KernelCall, type LargeForm, runKernel } from "./large-form.ts";
import {
  allocateLike,
  blocksOf,
  copyRows,
  disposeAll,
  isLarge,
  requireBuffer,
  rowBlocks,
  rowWindow,
} from "./row-windows.ts";

/** A matrix, and whether the product takes its transpose. */
interface Operand {
  readonly matrix: TensorInfo;
  readonly transposed: boolean;
}

interface Product {
  readonly backend: WebGPUBackend;
  readonly a: Operand;
  readonly b: Operand;
  readonly run: KernelCall["run"];
}

/** Length of an axis of the operand as the product sees it. */
const lengthOf = ({ matrix, transposed }: Operand, axis: 0 | 1): number => matrix.shape[transposed ? 1 - axis : axis]!;

/** Whether cutting this axis of the product's operand cuts its rows in memory. */
const cutsRows = ({ transposed }: Operand, axis: 0 | 1): boolean => transposed === (axis === 1);

/** A range of an axis: a window where that cuts rows, else a copy. The caller disposes it. */
function cut(backend: WebGPUBackend, operand: Operand, axis: 0 | 1, from: number, count: number): Operand {
  const { matrix } = operand;
  const part = cutsRows(operand, axis)
    ? rowWindow(backend, matrix, from, count)
    : runKernel(backend, "Slice", { x: matrix }, { begin: [0, from], size: [matrix.shape[0], count] });
  return { ...operand, matrix: part };
}

const needsCut = (backend: WebGPUBackend, operand: Operand, axis: 0 | 1): boolean =>
  isLarge(backend, operand.matrix.shape) && cutsRows(operand, axis);

/** What rows in memory are cut when an axis of some operands is. */
const windowsOf = (...cuts: readonly (readonly [Operand, 0 | 1])[]): readonly number[] =>
  cuts.filter(([operand, axis]) => cutsRows(operand, axis)).map(([{ matrix }]) => matrix.shape[1]!);

/** By rows of the result. */
function multiplyByRows({ backend, a, b, run }: Product): TensorInfo {
  const rows = lengthOf(a, 0);
  const windows = windowsOf([a, 0]);
  let result: TensorInfo | undefined;
  for (const [from, count] of rowBlocks(backend, rows, { widest: Math.max(lengthOf(b, 1), ...windows), windows })) {
    const part = cut(backend, a, 0, from, count);
    const product = multiply({ backend, a: part, b, run });
    result ??= allocateLike(backend, [rows, lengthOf(b, 1)], product);
    copyRows(backend, { source: product }, { target: result, at: from });
    disposeAll(backend, [part.matrix, product]);
  }
  return result!;
}

/** By parts of the axis that is summed over. */
function multiplyByTerms({ backend, a, b, run }: Product): TensorInfo {
  let sum: TensorInfo | undefined;
  const widths = { widest: Math.max(lengthOf(a, 0), lengthOf(b, 1)), windows: windowsOf([a, 1], [b, 0]) };
  for (const [from, count] of rowBlocks(backend, lengthOf(a, 1), widths)) {
    const parts = [cut(backend, a, 1, from, count), cut(backend, b, 0, from, count)] as const;
    const product = multiply({ backend, a: parts[0], b: parts[1], run });
    const total = sum === undefined ? product : runKernel(backend, "Add", { a: sum, b: product });
    disposeAll(backend, [...parts.map(({ matrix }) => matrix), ...(sum === undefined ? [] : [sum, product])]);
    sum = total;
  }
  return sum!;
}

/** By columns of the result: rows of a transposed factor. */
function multiplyByColumns({ backend, a, b, run }: Product): TensorInfo {
  const columns = blocksOf(backend, b.matrix.shape).map(([from, count]) => {
    const part = cut(backend, b, 1, from, count);
    const product = multiply({ backend, a, b: part, run });
    disposeAll(backend, [part.matrix]);
    return product;
  });
  const result = runKernel(backend, "Concat", columns, { axis: 1 });
  disposeAll(backend, columns);
  return result;
}

function multiply(product: Product): TensorInfo {
  const { backend, a, b, run } = product;
  if (isLarge(backend, [lengthOf(a, 0), lengthOf(b, 1)]) || needsCut(backend, a, 0)) return multiplyByRows(product);
  if (needsCut(backend, a, 1) || needsCut(backend, b, 0)) return multiplyByTerms(product);
  if (needsCut(backend, b, 1)) return multiplyByColumns(product);
  return run([a.matrix, b.matrix], { transposeA: a.transposed, transposeB: b.transposed });
}

/** The product of two matrices (batches of one). Sums over a cut axis are made part by part. */
export const matrixProduct: LargeForm = ({ backend, inputs, attrs, run }) => {
  const [left, right] = inputs as [TensorInfo, TensorInfo];
  const batches = [left, right].map(({ shape }) => sizeOf(shape.slice(0, -2)));
  if (batches.some((batch) => batch !== 1)) return undefined;
  const operand = (tensor: TensorInfo, transposed: unknown): Operand => ({
    matrix: { ...tensor, shape: tensor.shape.slice(-2) },
    transposed: transposed === true,
  });
  const [a, b] = [operand(left, attrs.transposeA), operand(right, attrs.transposeB)];
  const shape = [...left.shape.slice(0, -2), lengthOf(a, 0), lengthOf(b, 1)];
  if (![left.shape, right.shape, shape].some((each) => isLarge(backend, each))) return undefined;
  requireBuffer(backend, shape);
  return { ...multiply({ backend, a, b, run }), shape };
};
