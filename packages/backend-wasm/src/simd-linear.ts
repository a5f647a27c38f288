import { floatInputs, requireShape, sizeOf } from "./check-inputs.ts";
import type { WasmKernel } from "./kernel-registry.ts";
import type { SimdModule } from "./simd-module.ts";
import { addressOf, type WasmInternals } from "./wasm-internals.ts";

const name = "OpdLinear";

/** `x · weightᵀ + bias` over the last axis. */
export function simdLinear(backend: WasmInternals, simd: SimdModule): WasmKernel {
  const run: WasmKernel["run"] = (inputs) => {
    const [x, weight, bias] = floatInputs(name, inputs);
    const outer = x!.shape.slice(0, -1);
    const [rows, inner] = [sizeOf(outer), x!.shape[x!.shape.length - 1]!];
    const columns = weight!.shape[0]!;
    requireShape(name, "the weight", weight!, [columns, inner]);
    if (bias !== undefined) requireShape(name, "the bias", bias, [columns]);
    const out = backend.makeOutput([...outer, columns], "float32");
    const [from, by, to] = [x!, weight!, out].map((tensor) => addressOf(backend, tensor));
    simd.multiply(from!, by!, to!, rows, columns, inner, 0, 1, simd.scratch);
    if (bias !== undefined) simd.addRow(addressOf(backend, bias), to!, rows, columns);
    return out;
  };
  return { name, form: "simd", run };
}
