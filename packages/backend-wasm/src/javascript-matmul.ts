import type { KernelFunc, TensorInfo } from "@tensorflow/tfjs-core";
import { requireStockKernel, type WasmKernel } from "./kernel-registry.ts";
import { type ProductAttributes, type ProductPlan, planProduct } from "./product-plan.ts";
import { addressOf, type WasmInternals } from "./wasm-internals.ts";

const plain = { transposeA: false, transposeB: false };

/** Rows (or columns) from which on a transposition costs less than it saves. */
const worthTransposing = 16;

/**
 * Matrix product through the one case that tfjs does fast, two matrices without transposition: operands are transposed
 * first, the batch becomes rows where `b` is shared, and is walked otherwise. Where few rows would pay for a whole
 * transposition, tfjs gets the product as it is.
 */
export function javascriptBatchMatMul(backend: WasmInternals): WasmKernel {
  const call = (kernel: KernelFunc, inputs: Record<string, TensorInfo>, attrs: object): TensorInfo =>
    kernel({ inputs, attrs: attrs as never, backend }) as TensorInfo;
  const transpose = requireStockKernel("Transpose");
  const matMul = requireStockKernel("BatchMatMul");

  /** `x` with its last two axes exchanged, in new memory. */
  const transposed = (x: TensorInfo): TensorInfo => {
    const rank = x.shape.length;
    const perm = x.shape.map((_, axis) => (axis < rank - 2 ? axis : 2 * rank - 3 - axis));
    return call(transpose, { x }, { perm });
  };

  /** Copy of one matrix of a batch. tfjs keeps packed weights by data id, so every matrix needs a data id of its own. */
  const matrixOf = (x: TensorInfo, index: number, rows: number, columns: number): TensorInfo => {
    const matrix = backend.makeOutput([rows, columns], "float32");
    const from = addressOf(backend, x) + 4 * rows * columns * index;
    backend.wasm.HEAPU8.copyWithin(addressOf(backend, matrix), from, from + 4 * rows * columns);
    return matrix;
  };

  /** The product of batches that do not share `b`, one pair of matrices after the other. */
  const multiplyEach = (
    left: TensorInfo,
    right: TensorInfo,
    { batch, batchA, batchB, m, n, k }: ProductPlan,
  ): TensorInfo => {
    const out = backend.makeOutput([batch, m, n], "float32");
    for (let i = 0; i < batch; i++) {
      const pair = { a: matrixOf(left, i % batchA, m, k), b: matrixOf(right, i % batchB, k, n) };
      const product = call(matMul, pair, plain);
      const from = addressOf(backend, product);
      backend.wasm.HEAPU8.copyWithin(addressOf(backend, out) + 4 * m * n * i, from, from + 4 * m * n);
      for (const part of [pair.a, pair.b, product]) backend.disposeData(part.dataId);
    }
    return out;
  };

  const multiply = (a: TensorInfo, b: TensorInfo, attributes: ProductAttributes, plan: ProductPlan): TensorInfo => {
    const { batch, batchA, batchB, m, n, k } = plan;
    if (batch * m * n * k === 0) {
      const empty = backend.makeOutput(plan.shape, "float32");
      backend.typedArrayFromHeap(empty).fill(0);
      return empty;
    }
    const { transposeA, transposeB } = attributes;
    const rows = batchB === 1 && !transposeA ? batch * m : m;
    const few = (transposeB && rows < worthTransposing) || (transposeA && n < worthTransposing);
    if (few && (batchA === batchB || batchA === 1 || batchB === 1)) {
      const shapeA = [batchA, ...(transposeA ? [k, m] : [m, k])];
      const shapeB = [batchB, ...(transposeB ? [n, k] : [k, n])];
      return call(matMul, { a: { ...a, shape: shapeA }, b: { ...b, shape: shapeB } }, attributes);
    }
    const left = transposeA ? transposed(a) : a;
    const right = transposeB ? transposed(b) : b;
    const out =
      batchB === 1
        ? call(matMul, { a: { ...left, shape: [batch * m, k] }, b: { ...right, shape: [k, n] } }, plain)
        : multiplyEach(left, right, plan);
    if (transposeA) backend.disposeData(left.dataId);
    if (transposeB) backend.disposeData(right.dataId);
    return out;
  };

  const run: WasmKernel["run"] = ({ a, b }, attributes) => {
    const { transposeA, transposeB } = attributes as unknown as ProductAttributes;
    const plan = planProduct(a!, b!, { transposeA, transposeB });
    return { ...multiply(a!, b!, { transposeA, transposeB }, plan), shape: [...plan.shape] };
  };
  return { name: "BatchMatMul", form: "javascript", run };
}
