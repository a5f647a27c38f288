import { slice_util, type Tensor, type TensorInfo, type TypedArray, util } from "@tensorflow/tfjs-core";
import { requireStockKernel, type WasmKernel } from "./kernel-registry.ts";
import type { WasmInternals } from "./wasm-internals.ts";

/**
 * The same tensor once more, on the same memory; tfjs copies. Tensors are never written to, except the cache that a decoding
 * step uses up, whose positions in use stay as they are.
 */
export function javascriptIdentity(backend: WasmInternals): WasmKernel {
  const run: WasmKernel["run"] = (inputs) => {
    const { dataId, shape, dtype } = inputs.x!;
    backend.incRef(dataId);
    return { dataId, shape, dtype };
  };
  return { name: "Identity", form: "javascript", run };
}

/** Runs of fewer elements are copied one by one. */
const shortRun = 16;

/** A part of a tensor, copied in the longest runs that lie together; tfjs reads the whole tensor for every part. */
export function javascriptSlice(backend: WasmInternals): WasmKernel {
  const stock = requireStockKernel("Slice");
  const run: WasmKernel["run"] = (inputs, attrs) => {
    const x = inputs.x!;
    if (x.dtype === "string") return stock({ inputs, attrs, backend }) as TensorInfo;
    const { begin, size } = attrs as unknown as { begin: number | number[]; size: number | number[] };
    const [from, shape] = slice_util.parseSliceParams(x as Tensor, begin, size) as [number[], number[]];
    slice_util.assertParamsValid(x as Tensor, from, shape);
    const out = backend.makeOutput(shape, x.dtype);
    const [source, target] = [backend.typedArrayFromHeap(x), backend.typedArrayFromHeap(out)];
    copyPart(source, x.shape, target, shape, from);
    return out;
  };
  return { name: "Slice", form: "javascript", run };
}

/** `target[shape] = source[sourceShape]` from `from` on. */
function copyPart(
  source: TypedArray,
  sourceShape: readonly number[],
  target: TypedArray,
  shape: readonly number[],
  from: readonly number[],
): void {
  // Axes from `outer + 1` on are taken whole, so that a run goes over them and over a part of the axis before.
  let outer = shape.length - 1;
  while (outer > 0 && shape[outer] === sourceShape[outer]) outer -= 1;
  outer = Math.max(0, outer);
  const length = util.sizeFromShape(shape.slice(outer));
  const strides = sourceShape.map((_, axis) => util.sizeFromShape(sourceShape.slice(axis + 1)));
  const place = shape.slice(0, outer).fill(0);
  let start = from.reduce((sum, first, axis) => sum + first * strides[axis]!, 0);
  for (let to = 0; to < target.length; to += length) {
    if (length >= shortRun) target.set(source.subarray(start, start + length), to);
    else for (let i = 0; i < length; i++) target[to + i] = source[start + i]!;
    for (let axis = outer - 1; axis >= 0; axis--) {
      start += strides[axis]!;
      if (++place[axis]! < shape[axis]!) break;
      start -= strides[axis]! * shape[axis]!;
      place[axis] = 0;
    }
  }
}
