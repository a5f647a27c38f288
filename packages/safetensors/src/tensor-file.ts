import type { Dtype } from "./dtype.ts";

/** Where a tensor lies. */
export interface TensorEntry {
  readonly file: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** The bytes `from <= i < to` of the file, row-major and little-endian: a caller may read a part of them. */
  readonly from: number;
  readonly to: number;
}

/** One tensor in memory, as stored. */
export interface StoredTensor {
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Row-major, little-endian elements. */
  readonly data: Uint8Array;
}

/** Named tensors in one file or in several. */
export interface TensorFile {
  /** In the order of the bytes, file after file. */
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  /** The header's `__metadata__`; of several files that of the first. */
  readonly metadata: Readonly<Record<string, string>>;
  /**
   * Reads one tensor, and only its bytes.
   * @throws invalid-argument when there is no tensor of that name
   */
  read(name: string): Promise<StoredTensor>;
}
