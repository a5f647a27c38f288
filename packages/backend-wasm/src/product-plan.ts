import { ImagineOpdError } from "@imagine-opd/protocol";
import type { TensorInfo } from "@tensorflow/tfjs-core";

/** `C[i] = op(A[i mod batchA]) · op(B[i mod batchB])` for every `i < batch`; op(A) is `[m, k]`, op(B) is `[k, n]`. */
export interface ProductPlan {
  readonly batch: number;
  readonly batchA: number;
  readonly batchB: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly shape: readonly number[];
}

export interface ProductAttributes {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((size, length) => size * length, 1);

/** True when repeating `inner` in a row fills `outer`: the same shape, or its last axes. */
function repeatsInto(inner: readonly number[], outer: readonly number[]): boolean {
  if (sizeOf(inner) === 1) return true;
  const significant = inner.slice(inner.findIndex((length) => length !== 1));
  const end = outer.slice(-significant.length);
  return significant.length <= outer.length && significant.every((length, axis) => length === end[axis]);
}

/**
 * Sizes of a batched matrix product.
 * @throws unsupported when a tensor is not float32 or the batch axes need more than repetition of one side
 * @throws invalid-argument when the inner sizes differ
 */
export function planProduct(a: TensorInfo, b: TensorInfo, { transposeA, transposeB }: ProductAttributes): ProductPlan {
  const [rowsA, columnsA] = a.shape.slice(-2) as [number, number];
  const [rowsB, columnsB] = b.shape.slice(-2) as [number, number];
  const [m, k] = transposeA ? [columnsA, rowsA] : [rowsA, columnsA];
  const [n, innerB] = transposeB ? [rowsB, columnsB] : [columnsB, rowsB];
  const [outerA, outerB] = [a.shape.slice(0, -2), b.shape.slice(0, -2)];
  const [batchA, batchB] = [sizeOf(outerA), sizeOf(outerB)];
  const widest = batchA > batchB || (batchA === batchB && outerA.length >= outerB.length) ? outerA : outerB;
  const shapes = `[${a.shape}] and [${b.shape}] (transposeA ${transposeA}, transposeB ${transposeB})`;
  if (a.dtype !== "float32" || b.dtype !== "float32") {
    throw refuse("unsupported", `only float32 is supported, got ${a.dtype} and ${b.dtype}.`);
  }
  if (k !== innerB) throw refuse("invalid-argument", `the inner sizes ${k} and ${innerB} differ, for ${shapes}.`);
  if (!repeatsInto(outerA, widest) || !repeatsInto(outerB, widest)) {
    throw refuse("unsupported", `the batch axes do not repeat into each other, for ${shapes}.`);
  }
  return { batch: sizeOf(widest), batchA, batchB, m, n, k, shape: [...widest, m, n] };
}

function refuse(code: "unsupported" | "invalid-argument", problem: string): ImagineOpdError {
  return new ImagineOpdError(code, { where: "backend-wasm.BatchMatMul", problem });
}
