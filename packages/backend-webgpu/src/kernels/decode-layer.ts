import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import type { TensorInfo } from "@tensorflow/tfjs-core";
import { refuseMismatch, requireShape, sizeOf } from "./check-inputs.ts";
import { attendCached } from "./decode-attention.ts";
import { type ProjectionPlace, runProjection } from "./decode-projection.ts";
import { defineElementwise, overElements } from "./elementwise.ts";
import type { FusedKernel } from "./fused-kernel.ts";

const name = "OpdDecodeLayer";

interface Attributes {
  readonly length: number;
  readonly pads: Int32Array;
  readonly heads: number;
  readonly epsilon: number;
}

/** A cache with more room, whose first positions are those of `past`. */
const growCache = defineElementwise(
  "growCache",
  () => `
    let position = i / uniforms.headSize % uniforms.capacity;
    let head = i / uniforms.headSize / uniforms.capacity;
    let source = (head * uniforms.length + min(position, uniforms.length - 1)) * uniforms.headSize + i % uniforms.headSize;
    result[i] = select(0.0, past[source], position < uniforms.length);`,
);

/** The cache itself as one more reference where it has room for a position, else a copy of twice the length. */
function withRoom(backend: WebGPUBackend, cache: TensorInfo, length: number): TensorInfo {
  const [rows, kvHeads, capacity, headSize] = cache.shape as [number, number, number, number];
  if (length < capacity) {
    backend.uploadToGPU(cache.dataId);
    // If it was read before, tfjs keeps what it was, and would go on giving that.
    Object.assign(backend.tensorMap.get(cache.dataId), { values: null });
    backend.incRef(cache.dataId);
    return { dataId: cache.dataId, shape: cache.shape, dtype: cache.dtype };
  }
  const output = [rows, kvHeads, 2 * length, headSize];
  const { integers, workgroups } = overElements(sizeOf(output));
  return growCache(backend, {
    constants: {},
    inputs: { past: cache },
    integers: { ...integers, length, capacity: 2 * length, headSize },
    workgroups,
    output,
  });
}

/** Attention of the new position over the cache, `[B, heads · d]`. */
function attend(
  backend: WebGPUBackend,
  q: TensorInfo,
  k: TensorInfo,
  v: TensorInfo,
  { length, pads, heads }: Attributes,
): TensorInfo {
  const [rows, kvHeads, capacity, size] = k.shape as [number, number, number, number];
  const padded = pads.some((count) => count > 0) ? backend.makeTensorInfo([rows], "int32", pads) : undefined;
  const attended = attendCached(backend, {
    constants: { size, pads: padded !== undefined },
    inputs: { q, k, v, ...(padded && { pads: padded }) },
    integers: { rows, heads, kvHeads, capacity, length: length + 1 },
    floats: { scale: size ** -0.5 },
    workgroups: rows * heads,
    output: [rows, heads * size],
  });
  if (padded !== undefined) backend.disposeData(padded.dataId);
  return attended;
}

/**
 * One decoder layer for one new token a row in seven dispatches. The new key and value are written into the cache, whose
 * buffer the result shares; a full cache is moved to one of twice its length first.
 */
export const decodeLayerKernel: FusedKernel = {
  name,
  run: (backend, inputs, attributes) => {
    const [x, inputNorm, wq, wk, wv, wo, postNorm, gate, up, down] = inputs as Ten<TensorInfo>;
    const [pastK, pastV, cos, sin] = inputs.slice(10) as [TensorInfo, TensorInfo, TensorInfo, TensorInfo];
    const given = attributes as unknown as Attributes;
    const { length, epsilon } = given;
    checkShapes(inputs, given);

    const k = withRoom(backend, pastK, length);
    const v = withRoom(backend, pastV, length);
    const [, kvHeads, capacity, headSize] = k.shape as [number, number, number, number];
    const before = { weight: inputNorm, epsilon };
    const after = { weight: postNorm, epsilon };
    const inCache = (output: TensorInfo): ProjectionPlace => ({
      output,
      headSize,
      rowStep: kvHeads * capacity * headSize,
      headStep: capacity * headSize,
      offset: length * headSize,
    });
    const inRows: ProjectionPlace = {
      output: [x.shape[0]!, wq.shape[0]!],
      headSize,
      rowStep: wq.shape[0]!,
      headStep: headSize,
      offset: 0,
    };
    const q = runProjection(backend, { form: "turned", x, weight: wq, norm: before, others: { cos, sin } }, inRows);
    runProjection(backend, { form: "turned", x, weight: wk, norm: before, others: { cos, sin } }, inCache(k));
    runProjection(backend, { form: "plain", x, weight: wv, norm: before }, inCache(v));
    const attended = attend(backend, q, k, v, given);
    const middle = runProjection(backend, { form: "sum", x: attended, weight: wo, others: { residual: x } });
    const others = { otherWeight: up };
    const gated = runProjection(backend, { form: "gated", x: middle, weight: gate, norm: after, others });
    const out = runProjection(backend, { form: "sum", x: gated, weight: down, others: { residual: middle } });
    for (const { dataId } of [q, attended, middle, gated]) backend.disposeData(dataId);
    return [out, k, v];
  },
};

type Ten<T> = [T, T, T, T, T, T, T, T, T, T];

function checkShapes(inputs: readonly TensorInfo[], { length, pads, heads }: Attributes): void {
  const [rows, width] = inputs[0]!.shape as [number, number];
  const [, kvHeads, capacity, size] = inputs[10]!.shape as [number, number, number, number];
  const inner = inputs[7]!.shape[0]!;
  const angles = [inputs[12]!.shape[0] === 1 ? 1 : rows, 1, 1, size];
  const expected: Record<string, readonly number[]> = {
    x: [rows, width],
    "the first norm": [width],
    "the query weight": [heads * size, width],
    "the key weight": [kvHeads * size, width],
    "the value weight": [kvHeads * size, width],
    "the output weight": [width, heads * size],
    "the second norm": [width],
    "the gate weight": [inner, width],
    "the up weight": [inner, width],
    "the down weight": [width, inner],
    "the keys": [rows, kvHeads, capacity, size],
    "the values": [rows, kvHeads, capacity, size],
    cos: angles,
    sin: angles,
  };
  Object.entries(expected).forEach(([what, shape], i) => {
    requireShape(name, what, inputs[i]!, shape);
  });
  if (heads % kvHeads !== 0) refuseMismatch(name, `${heads} query heads do not share ${kvHeads} key heads.`);
  if (size % 2 !== 0) refuseMismatch(name, `heads must have an even size, got ${size}.`);
  if (length > capacity) {
    refuseMismatch(name, `${length} positions are said to be in use of a cache that holds ${capacity}.`);
  }
  if (pads.length !== rows || pads.some((count) => count < 0 || count > length)) {
    refuseMismatch(name, `${rows} rows need as many counts of pads, each from 0 to ${length}, got [${pads}].`);
  }
}
