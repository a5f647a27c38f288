import { ImagineOpdError } from "@imagine-opd/protocol";
import { countBytes, type Dtype, dtypes, isDtype, isShape } from "./dtype.ts";
import { quote } from "./invalid-file.ts";

/** A tensor to be written. */
export interface TensorToWrite {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Row-major, little-endian elements. Called once, when their turn comes, so that only one tensor is held at a time. */
  readonly data: () => Uint8Array | Promise<Uint8Array>;
}

/** A tensor that was checked, with its length in bytes. */
export interface SizedTensor extends TensorToWrite {
  readonly bytes: number;
}

function reject(where: string, name: string, problem: string): ImagineOpdError {
  return new ImagineOpdError("invalid-argument", {
    where,
    problem: `tensor ${quote(name)} ${problem}`,
    details: { name },
  });
}

/** The tensors in their order, each checked: names that a reader accepts and that differ, known dtypes, sizes from 0. */
export function checkTensors(tensors: Iterable<TensorToWrite>, where: string): readonly SizedTensor[] {
  const names = new Set<string>();
  return Array.from(tensors, (tensor) => {
    const { name, dtype, shape } = tensor;
    if (name === "__metadata__" || name === "__proto__") throw reject(where, name, "has a reserved name.");
    if (names.has(name)) throw reject(where, name, "was given twice.");
    names.add(name);
    if (!isDtype(dtype)) throw reject(where, name, `has the unknown dtype ${quote(String(dtype))}.`);
    const bytes = isShape(shape) ? countBytes(dtype, shape) : undefined;
    if (bytes === undefined) throw reject(where, name, `has the impossible shape [${String(shape)}].`);
    return { ...tensor, bytes };
  });
}

/** Larger elements first, so that every tensor begins at a multiple of its element size; then by name, as the reference writer. */
export function sortForFile(tensors: readonly SizedTensor[]): readonly SizedTensor[] {
  const byName = (a: string, b: string) => (a < b ? -1 : 1);
  return [...tensors].sort((a, b) => dtypes.indexOf(b.dtype) - dtypes.indexOf(a.dtype) || byName(a.name, b.name));
}
