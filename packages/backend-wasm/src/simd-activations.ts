import { floatInputs, requireShape, sizeOf } from "./check-inputs.ts";
import type { WasmKernel } from "./kernel-registry.ts";
import type { SimdModule } from "./simd-module.ts";
import { addressOf, type WasmInternals } from "./wasm-internals.ts";

/** GELU and SwiGLU and their gradients, element by element. */
export function simdActivations(backend: WasmInternals, simd: SimdModule): WasmKernel[] {
  const elementwise = (name: string, run: (...values: number[]) => void, results = 1): WasmKernel => ({
    name,
    form: "simd",
    run: (inputs) => {
      const list = floatInputs(name, inputs);
      const { shape } = list[0]!;
      list.forEach((input, i) => {
        requireShape(name, `input ${i}`, input, shape);
      });
      const out = Array.from({ length: results }, () => backend.makeOutput(shape, "float32"));
      run(...[...list, ...out].map((tensor) => addressOf(backend, tensor)), sizeOf(shape));
      return results === 1 ? out[0]! : out;
    },
  });
  return [
    elementwise("OpdGeluTanh", simd.geluTanh),
    elementwise("OpdGeluTanhGradient", simd.geluTanhGradient),
    elementwise("OpdSwiGlu", simd.swiGlu),
    elementwise("OpdSwiGluGradient", simd.swiGluGradient, 2),
  ];
}
