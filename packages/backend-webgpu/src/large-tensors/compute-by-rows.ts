import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import type { TensorInfo } from "@tensorflow/tfjs-core";
import { allocateLike, copyRows, disposeAll, rowBlocks, rowWindow, widthOf } from "./row-windows.ts";

/** A computation whose rows depend on the same rows of its inputs. */
export interface ByRows {
  readonly rows: number;
  /** Elements of the widest row that takes part. */
  readonly widest: number;
  /** Inputs; those of `rows` rows are cut, others are passed on whole. */
  readonly inputs: readonly TensorInfo[];
  /** Computes a block of `count` rows; its result has as many. */
  readonly compute: (parts: readonly TensorInfo[], count: number) => TensorInfo;
}

/** Computes block by block and puts the results one after the other. */
export function computeByRows(backend: WebGPUBackend, { rows, widest, inputs, compute }: ByRows): TensorInfo {
  let result: TensorInfo | undefined;
  const hasRows = ({ shape }: TensorInfo) => shape[0] === rows;
  const windows = inputs.filter(hasRows).map(({ shape }) => widthOf(shape));
  for (const [from, count] of rowBlocks(backend, rows, { widest, windows })) {
    const cut = inputs.map((input) => (hasRows(input) ? rowWindow(backend, input, from, count) : input));
    const part = compute(cut, count);
    result ??= allocateLike(backend, [rows, ...part.shape.slice(1)], part);
    copyRows(backend, { source: part }, { target: result, at: from });
    disposeAll(backend, [part, ...cut.filter((input, i) => input !== inputs[i])]);
  }
  return result!;
}
