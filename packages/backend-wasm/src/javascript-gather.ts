import { ImagineOpdError } from "@imagine-opd/protocol";
import { type TensorInfo, util } from "@tensorflow/tfjs-core";
import { requireStockKernel, type WasmKernel } from "./kernel-registry.ts";
import { addressOf, type WasmInternals } from "./wasm-internals.ts";

/**
 * The slices of `x` at `indices` along one axis, each copied as a block of bytes; tfjs's kernel walks single elements and is
 * a hundred times slower on rows of an embedding. Gathers with batch axes stay with tfjs.
 * @throws invalid-argument when an index is outside the axis
 */
export function javascriptGather(backend: WasmInternals): WasmKernel {
  const stock = requireStockKernel("GatherV2");
  const run: WasmKernel["run"] = (inputs, attrs) => {
    const [x, indices] = [inputs.x!, inputs.indices!];
    if (attrs.batchDims !== 0) return stock({ inputs, attrs, backend }) as TensorInfo;
    const axis = util.parseAxisParam(attrs.axis as number, [...x.shape])[0]!;
    const length = x.shape[axis]!;
    const outer = util.sizeFromShape(x.shape.slice(0, axis));
    const inner = x.shape.slice(axis + 1);
    const out = backend.makeOutput([...x.shape.slice(0, axis), ...indices.shape, ...inner], x.dtype);
    const bytes = util.sizeFromShape(inner) * util.bytesPerElement(x.dtype);
    const heap = backend.wasm.HEAPU8;
    let to = addressOf(backend, out);
    const wanted = backend.typedArrayFromHeap(indices);
    const outside = wanted.findIndex((index) => index < 0 || index >= length);
    if (outside >= 0) {
      backend.disposeData(out.dataId);
      throw outsideAxis(wanted[outside]!, outside, length);
    }
    for (let i = 0; i < outer; i++) {
      const start = addressOf(backend, x) + i * length * bytes;
      for (const index of wanted) {
        heap.copyWithin(to, start + index * bytes, start + (index + 1) * bytes);
        to += bytes;
      }
    }
    return out;
  };
  return { name: "GatherV2", form: "javascript", run };
}

function outsideAxis(index: number, position: number, length: number): ImagineOpdError {
  return new ImagineOpdError("invalid-argument", {
    where: "backend-wasm.GatherV2",
    problem: `index ${index} (at ${position}) is outside the axis of length ${length}.`,
    details: { index, position, length },
  });
}
