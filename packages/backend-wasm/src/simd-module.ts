import { ImagineOpdError } from "@imagine-opd/protocol";
import { moduleBase64 } from "./simd-binary.ts";
import type { WasmInternals } from "./wasm-internals.ts";

/** A compiled function: addresses are bytes in the backend's memory, sizes and steps count elements. See native/. */
type Compiled<Parameters extends readonly string[]> = (...values: { [P in keyof Parameters]: number }) => void;

/** The exports of native/, with the parameters of the C functions. */
interface SimdExports {
  scratchLength(): number;
  /** Floats of the scores that `attention` needs; `attentionGradient` needs twice as many. */
  scoresLength(queries: number, keys: number): number;
  multiply: Compiled<["a", "b", "c", "m", "n", "k", "transposeA", "transposeB", "scratch"]>;
  softmax: Compiled<["x", "y", "rows", "columns"]>;
  rmsNorm: Compiled<["x", "weight", "y", "rows", "columns", "epsilon"]>;
  rmsNormGradient: Compiled<["dy", "x", "weight", "dx", "rows", "columns", "epsilon"]>;
  rmsNormWeightGradient: Compiled<["dy", "x", "dWeight", "rows", "columns", "epsilon"]>;
  layerNorm: Compiled<["x", "weight", "bias", "y", "rows", "columns", "epsilon"]>;
  layerNormGradient: Compiled<["dy", "x", "weight", "dx", "rows", "columns", "epsilon"]>;
  layerNormWeightGradient: Compiled<["dy", "x", "dWeight", "rows", "columns", "epsilon"]>;
  geluTanh: Compiled<["x", "y", "size"]>;
  geluTanhGradient: Compiled<["dy", "x", "dx", "size"]>;
  swiGlu: Compiled<["gate", "up", "y", "size"]>;
  swiGluGradient: Compiled<["dy", "gate", "up", "dGate", "dUp", "size"]>;
  add: Compiled<["a", "b", "y", "size"]>;
  addRow: Compiled<["row", "y", "rows", "columns"]>;
  sumRows: Compiled<["x", "y", "rows", "columns"]>;
  adamW: Compiled<
    [
      ...["weight", "gradient", "first", "second", "newWeight", "newFirst", "newSecond", "size"],
      ...["gradientScale", "decay", "firstRate", "secondKeep", "secondRate", "epsilon", "stepSize"],
    ]
  >;
  rotary: Compiled<["x", "cos", "sin", "y", "batch", "heads", "length", "size", "angleStep", "backward"]>;
  attention: Compiled<[...["q", "k", "v", "bias", "y"], ...AttentionSizes, "scores", "scratch"]>;
  attentionGradient: Compiled<
    [...["dy", "q", "k", "v", "bias", "dq", "dk", "dv"], ...AttentionSizes, "scores", "scratch"]
  >;
  attendCached: Compiled<
    [
      ...["q", "k", "v", "pads", "y", "batch", "heads", "kvHeads", "capacity", "length", "size", "scale"],
      ...["scores", "scratch"],
    ]
  >;
  swapAxes: Compiled<["x", "y", "outer", "a", "b", "inner"]>;
  writeCache: Compiled<["x", "cache", "heads", "capacity", "position", "size"]>;
  growCache: Compiled<["from", "to", "heads", "oldCapacity", "newCapacity", "length", "size"]>;
}

type AttentionSizes = [
  ...["batch", "heads", "kvHeads", "length", "keys", "size", "scale"],
  ...["batchStep", "headStep", "queryStep"],
];

/** Our compiled kernels on the backend's memory. */
export interface SimdModule extends Omit<SimdExports, "scratchLength"> {
  /** Address of the working space of `multiply`. */
  readonly scratch: number;
  /** Address of at least this many floats, for one kernel call: the next one may get the same. */
  workspace(floats: number): number;
  /** Frees both. */
  dispose(): void;
}

/** The bytes of the embedded module. */
export function simdModuleBytes(): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(moduleBase64), (character) => character.charCodeAt(0));
}

/** Instantiates the embedded module on the backend's memory and allocates 260 KiB of working space there. */
export async function openSimdModule(backend: WasmInternals): Promise<SimdModule> {
  const { wasm } = backend;
  const { instance } = await WebAssembly.instantiate(simdModuleBytes(), { env: { memory: wasm.asm.memory } });
  const exports = instance.exports as unknown as SimdExports;
  const allocate = (floats: number): number => {
    const address = wasm._malloc(4 * floats) >>> 0;
    if (address !== 0) return address;
    throw new ImagineOpdError("limit-exceeded", {
      where: "backend-wasm",
      problem: `the wasm heap has no room for ${Math.ceil(floats / 256)} KiB of working space.`,
      remedy: "Use smaller batches.",
    });
  };
  const scratch = allocate(exports.scratchLength());
  let space = { address: 0, floats: 0 };
  return {
    ...exports,
    scratch,
    workspace(floats) {
      if (floats > space.floats) {
        if (space.address !== 0) wasm._free(space.address);
        space = { address: 0, floats: 0 };
        space = { address: allocate(floats), floats };
      }
      return space.address;
    },
    dispose() {
      wasm._free(scratch);
      if (space.address !== 0) wasm._free(space.address);
      space = { address: 0, floats: 0 };
    },
  };
}
