import { floatInputs, requireShape } from "./check-inputs.ts";
import type { WasmKernel } from "./kernel-registry.ts";
import type { SimdModule } from "./simd-module.ts";
import { addressOf, type WasmInternals } from "./wasm-internals.ts";

/** Rotary position embedding of `[B, H, n, d]` by angles `[B or 1, 1, n, d]`, and its gradient. */
export function simdRotary(backend: WasmInternals, simd: SimdModule): WasmKernel[] {
  const turn = (name: string, backward: 0 | 1): WasmKernel => ({
    name,
    form: "simd",
    run: (inputs) => {
      const [x, cos, sin] = floatInputs(name, inputs);
      const [batch, heads, length, size] = x!.shape as [number, number, number, number];
      const shared = cos!.shape[0] === 1;
      requireShape(name, "cos", cos!, [shared ? 1 : batch, 1, length, size]);
      requireShape(name, "sin", sin!, cos!.shape);
      const out = backend.makeOutput(x!.shape, "float32");
      const [from, c, s, to] = [x!, cos!, sin!, out].map((tensor) => addressOf(backend, tensor));
      simd.rotary(from!, c!, s!, to!, batch, heads, length, size, shared ? 0 : length * size, backward);
      return out;
    },
  });
  return [turn("OpdRotary", 0), turn("OpdRotaryGradient", 1)];
}
