import type { DataType } from "@tensorflow/tfjs-core";
import type { WasmKernel } from "./kernel-registry.ts";
import type { WasmInternals } from "./wasm-internals.ts";

interface Attributes {
  readonly depth: number;
  readonly onValue: number;
  readonly offValue: number;
  readonly dtype: DataType;
}

/**
 * One-hot rows of any type. tfjs's kernel writes the bits of an integer 1 whatever the type is, so that its float32 rows hold
 * 1.4e-45. An index outside the depth leaves its row off, as on the other backends.
 */
export function javascriptOneHot(backend: WasmInternals): WasmKernel {
  const run: WasmKernel["run"] = ({ indices }, attributes) => {
    const { depth, onValue, offValue, dtype } = attributes as unknown as Attributes;
    const out = backend.makeOutput([...indices!.shape, depth], dtype);
    const values = backend.typedArrayFromHeap(out);
    values.fill(offValue);
    backend.typedArrayFromHeap(indices!).forEach((index, row) => {
      if (index >= 0 && index < depth) values[row * depth + index] = onValue;
    });
    return out;
  };
  return { name: "OneHot", form: "javascript", run };
}
