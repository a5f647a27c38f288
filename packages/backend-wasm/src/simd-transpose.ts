import type { KernelFunc, NamedAttrMap, TensorInfo } from "@tensorflow/tfjs-core";
import { requireStockKernel, type WasmKernel } from "./kernel-registry.ts";
import type { SimdModule } from "./simd-module.ts";
import { addressOf, type WasmInternals } from "./wasm-internals.ts";

/** The transposition that splits and joins attention heads, `[B, n, H, d]` ↔ `[B, H, n, d]`; all others are tfjs's. */
export function simdTranspose(backend: WasmInternals, simd: SimdModule): WasmKernel {
  const stock: KernelFunc = requireStockKernel("Transpose");
  const run: WasmKernel["run"] = (inputs, attributes) => {
    const x = inputs.x!;
    const perm = attributes.perm as number[];
    const [outer, a, b, inner] = x.shape as [number, number, number, number];
    const swaps = x.shape.length === 4 && perm.join() === "0,2,1,3" && inner % 4 === 0 && x.dtype === "float32";
    if (!swaps || a === 1 || b === 1)
      return stock({ inputs, attrs: attributes as NamedAttrMap, backend }) as TensorInfo;
    const out = backend.makeOutput([outer, b, a, inner], "float32");
    simd.swapAxes(addressOf(backend, x), addressOf(backend, out), outer, a, b, inner);
    return out;
  };
  return { name: "Transpose", form: "simd", run };
}
