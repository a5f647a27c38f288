import { ImagineOpdError } from "@imagine-opd/protocol";
import { type DataType, type TensorInfo, type TypedArray, version_core } from "@tensorflow/tfjs-core";

/** What the kernels use of tfjs-backend-wasm 4.22, most of it not in tfjs's public types. */
export interface WasmInternals {
  /** The emscripten module. `HEAPU8` is replaced when the heap grows: read it again after every allocation. */
  readonly wasm: {
    readonly HEAPU8: Uint8Array;
    readonly asm: { readonly memory: WebAssembly.Memory };
    _malloc(bytes: number): number;
    _free(offset: number): void;
  };
  readonly dataIdMap: { get(dataId: object): { readonly memoryOffset: number } };
  /** Allocates a tensor that is not initialised. The heap may grow and detach every older view. */
  makeOutput(shape: readonly number[], dtype: DataType): TensorInfo;
  /** A view that is valid until the next allocation. */
  typedArrayFromHeap(tensor: TensorInfo): TypedArray;
  /** Counts one tensor more that shares the data. */
  incRef(dataId: object): void;
  /** Gives one reference to the data up. */
  disposeData(dataId: object): boolean;
}

/**
 * The backend with the private fields that the kernels rely on.
 * @throws unsupported when a field is not there, or when the memory is shared between threads
 */
export function requireWasmInternals(backend: object): WasmInternals {
  const candidate = backend as Partial<WasmInternals>;
  const module = candidate.wasm as Partial<WasmInternals["wasm"]> | undefined;
  const missing = Object.entries({
    "wasm.HEAPU8": module?.HEAPU8 instanceof Uint8Array,
    "wasm.asm.memory": module?.asm?.memory instanceof WebAssembly.Memory,
    "wasm._malloc": typeof module?._malloc === "function",
    "wasm._free": typeof module?._free === "function",
    "dataIdMap.get": typeof candidate.dataIdMap?.get === "function",
    makeOutput: typeof candidate.makeOutput === "function",
    typedArrayFromHeap: typeof candidate.typedArrayFromHeap === "function",
    incRef: typeof candidate.incRef === "function",
    disposeData: typeof candidate.disposeData === "function",
  }).flatMap(([field, present]) => (present ? [] : [field]));
  if (missing.length > 0) {
    throw new ImagineOpdError("unsupported", {
      where: "backend-wasm.openWasmBackend",
      problem: `the kernels need the private fields of tfjs-backend-wasm 4.22, and ${missing.join(", ")} is not there (tfjs-core is ${version_core}).`,
      remedy: "Install @tensorflow/tfjs-core and @tensorflow/tfjs-backend-wasm 4.22.0.",
      details: { missing, version: version_core },
    });
  }
  const internals = candidate as WasmInternals;
  if (!(internals.wasm.asm.memory.buffer instanceof ArrayBuffer)) {
    throw new ImagineOpdError("unsupported", {
      where: "backend-wasm.openWasmBackend",
      problem: "the wasm backend was started with threads, and its shared memory is not supported.",
      remedy: "Call openWasmBackend before anything else sets the backend.",
    });
  }
  return internals;
}

/** Byte address of a tensor's first element, good for the tensor's life. */
export function addressOf(backend: WasmInternals, tensor: TensorInfo): number {
  return backend.dataIdMap.get(tensor.dataId).memoryOffset;
}
