import { ImagineOpdError } from "@imagine-opd/protocol";
import { moduleBase64 } from "./simd-binary.ts";
import type { WasmInternals } from "./wasm-internals.ts";

/** The exports of native/kernels.c. Addresses are bytes in the backend's memory, sizes count elements. */
interface SimdExports {
  scratchLength(): number;
  multiply(
    a: number,
    b: number,
    c: number,
    m: number,
    n: number,
    k: number,
    transposeA: number,
    transposeB: number,
    scratch: number,
  ): void;
  softmax(x: number, y: number, rows: number, columns: number): void;
}

/** Our compiled kernels on the backend's memory. */
export interface SimdModule {
  readonly multiply: SimdExports["multiply"];
  readonly softmax: SimdExports["softmax"];
  /** Address of the working space of `multiply`. */
  readonly scratch: number;
  /** Frees the working space. */
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
  const scratch = wasm._malloc(4 * exports.scratchLength()) >>> 0;
  if (scratch === 0) {
    throw new ImagineOpdError("limit-exceeded", {
      where: "backend-wasm.openWasmBackend",
      problem: "the wasm heap has no room for 260 KiB of working space.",
    });
  }
  return {
    multiply: exports.multiply,
    softmax: exports.softmax,
    scratch,
    dispose: () => wasm._free(scratch),
  };
}
