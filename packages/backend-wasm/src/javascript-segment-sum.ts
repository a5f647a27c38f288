import { ImagineOpdError } from "@imagine-opd/protocol";
import type { WasmKernel } from "./kernel-registry.ts";
import type { WasmInternals } from "./wasm-internals.ts";

/**
 * `y[s] = Σ x[i]` over all `i` with `segmentIds[i] = s`: the gradient of a gather, which tfjs's wasm backend lacks.
 * Rows are added in ascending order; ids that name no segment are left out, as on the other backends.
 */
export function javascriptSegmentSum(backend: WasmInternals): WasmKernel {
  const run: WasmKernel["run"] = ({ x, segmentIds }, attributes) => {
    const count = attributes.numSegments as number;
    if (segmentIds!.shape.length !== 1 || segmentIds!.shape[0] !== x!.shape[0]) {
      throw new ImagineOpdError("unsupported", {
        where: "backend-wasm.UnsortedSegmentSum",
        problem: `expected one segment id for each row of x, got ids [${segmentIds!.shape}] for x [${x!.shape}].`,
        remedy: "Reshape x so that its first axis runs along the ids.",
      });
    }
    const out = backend.makeOutput([count, ...x!.shape.slice(1)], x!.dtype);
    const [rows, ids, sums] = [x!, segmentIds!, out].map((tensor) => backend.typedArrayFromHeap(tensor));
    const width = ids!.length === 0 ? 0 : rows!.length / ids!.length;
    sums!.fill(0);
    ids!.forEach((id, row) => {
      if (id < 0 || id >= count) return;
      const [from, to] = [row * width, id * width];
      for (let j = 0; j < width; j++) sums![to + j]! += rows![from + j]!;
    });
    return out;
  };
  return { name: "UnsortedSegmentSum", form: "javascript", run };
}
