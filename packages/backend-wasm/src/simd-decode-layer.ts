import { ImagineOpdError } from "@imagine-opd/protocol";
import type { TensorInfo } from "@tensorflow/tfjs-core";
import { floatInputs, requireShape } from "./check-inputs.ts";
import type { WasmKernel } from "./kernel-registry.ts";
import type { SimdModule } from "./simd-module.ts";
import { addressOf, type WasmInternals } from "./wasm-internals.ts";

const name = "OpdDecodeLayer";

interface Attributes {
  readonly length: number;
  readonly pads: Int32Array;
  readonly heads: number;
  readonly epsilon: number;
}

/**
 * One decoder layer for one new token a row. The new key and value are written into the cache, whose memory the result
 * shares; a full cache is moved to one of twice its length first.
 */
export function simdDecodeLayer(backend: WasmInternals, simd: SimdModule): WasmKernel {
  const at = (tensor: TensorInfo): number => addressOf(backend, tensor);

  const withRoom = (cache: TensorInfo, length: number): TensorInfo => {
    const [rows, heads, capacity, size] = cache.shape as [number, number, number, number];
    if (length < capacity) {
      backend.incRef(cache.dataId);
      return { dataId: cache.dataId, shape: cache.shape, dtype: cache.dtype };
    }
    const larger = backend.makeOutput([rows, heads, 2 * length, size], "float32");
    simd.growCache(at(cache), at(larger), rows * heads, capacity, 2 * length, length, size);
    return larger;
  };

  const run: WasmKernel["run"] = (inputs, attributes) => {
    const list = floatInputs(name, inputs);
    const [x, inputNorm, wq, wk, wv, wo, postNorm, wGate, wUp, wDown] = list.map(at) as Ten<number>;
    const [pastK, pastV, cos, sin] = list.slice(10) as [TensorInfo, TensorInfo, TensorInfo, TensorInfo];
    const { length, pads, heads, epsilon } = attributes as unknown as Attributes;
    const [rows, width] = list[0]!.shape as [number, number];
    const [, kvHeads, capacity, size] = pastK.shape as [number, number, number, number];
    const inner = list[7]!.shape[0]!;
    checkShapes(list, { rows, width, heads, kvHeads, capacity, size, inner });
    checkPlace({ length, pads }, rows, capacity);

    const k = withRoom(pastK, length);
    const v = withRoom(pastV, length);
    const out = backend.makeOutput([rows, width], "float32");
    const room = k.shape[2]!;
    const wide = Math.max(width, heads * size);
    // Floats of: normed rows, queries (then the attended values' projection), keys or values, attended values, gate, up,
    // scores, and pads.
    const parts = [rows * wide, rows * wide, rows * kvHeads * size, rows * heads * size, rows * inner, rows * inner];
    const space = simd.workspace(parts.reduce((sum, part) => sum + part, 0) + (heads / kvHeads) * (length + 1) + rows);
    const starts = [space];
    for (const part of parts) starts.push(starts.at(-1)! + 4 * part);
    const [normed, q, added, attended, gate, up, scores] = starts as Ten<number>;
    const padsAt = scores + 4 * (heads / kvHeads) * (length + 1);
    new Int32Array(backend.wasm.HEAPU8.buffer, padsAt, rows).set(pads);

    const times = (from: number, weight: number, to: number, columns: number, depth: number): void =>
      simd.multiply(from, weight, to, rows, columns, depth, 0, 1, simd.scratch);
    const angleStep = cos.shape[0] === 1 ? 0 : size;
    const turn = (state: number, count: number): void =>
      simd.rotary(state, at(cos), at(sin), state, rows, count, 1, size, angleStep, 0);

    simd.rmsNorm(x, inputNorm, normed, rows, width, epsilon);
    times(normed, wk, added, kvHeads * size, width);
    turn(added, kvHeads);
    simd.writeCache(added, at(k), rows * kvHeads, room, length, size);
    times(normed, wv, added, kvHeads * size, width);
    simd.writeCache(added, at(v), rows * kvHeads, room, length, size);
    times(normed, wq, q, heads * size, width);
    turn(q, heads);
    const seen = [rows, heads, kvHeads, room, length + 1, size] as const;
    simd.attendCached(q, at(k), at(v), padsAt, attended, ...seen, size ** -0.5, scores, simd.scratch);
    times(attended, wo, q, width, heads * size);
    simd.add(x, q, at(out), rows * width);
    simd.rmsNorm(at(out), postNorm, normed, rows, width, epsilon);
    times(normed, wGate, gate, inner, width);
    times(normed, wUp, up, inner, width);
    simd.swiGlu(gate, up, gate, rows * inner);
    times(gate, wDown, normed, width, inner);
    simd.add(at(out), normed, at(out), rows * width);
    return [out, k, v];
  };
  return { name, form: "simd", run };
}

function checkPlace({ length, pads }: Pick<Attributes, "length" | "pads">, rows: number, capacity: number): void {
  const refuse = (problem: string): never => {
    throw new ImagineOpdError("mismatch", { where: `backend-wasm.${name}`, problem });
  };
  if (length > capacity) {
    refuse(`${length} positions are said to be in use of a cache that holds ${capacity}.`);
  }
  if (pads.length !== rows || pads.some((count) => count < 0 || count > length)) {
    refuse(`${rows} rows need as many counts of pads, each from 0 to ${length}, got [${pads}].`);
  }
}

type Ten<T> = [T, T, T, T, T, T, T, T, T, T];

interface Sizes {
  readonly rows: number;
  readonly width: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly capacity: number;
  readonly size: number;
  readonly inner: number;
}

function checkShapes(list: readonly TensorInfo[], { rows, width, heads, kvHeads, capacity, size, inner }: Sizes): void {
  const angles = [list[12]!.shape[0] === 1 ? 1 : rows, 1, 1, size];
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
    requireShape(name, what, list[i]!, shape);
  });
}
