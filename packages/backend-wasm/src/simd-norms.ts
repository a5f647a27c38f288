import type { TensorInfo } from "@tensorflow/tfjs-core";
import { floatInputs, requireShape, sizeOf } from "./check-inputs.ts";
import type { WasmKernel } from "./kernel-registry.ts";
import type { SimdModule } from "./simd-module.ts";
import { addressOf, type WasmInternals } from "./wasm-internals.ts";

type NormFunction = (...addressesThenSizesThenEpsilon: number[]) => void;

/** RMSNorm and LayerNorm over the last axis, and the gradients in input and weight. */
export function simdNorms(backend: WasmInternals, simd: SimdModule): WasmKernel[] {
  /** All of these take rows (of which the first input decides the shape) and vectors, then rows, columns and epsilon. */
  const norm = (name: string, run: NormFunction, rowInputs: number, result: "rows" | "vector"): WasmKernel => ({
    name,
    form: "simd",
    run: (inputs, attributes) => {
      const list = floatInputs(name, inputs);
      const { shape } = list[0]!;
      const columns = shape[shape.length - 1]!;
      list.forEach((input, i) => {
        requireShape(name, `input ${i}`, input, i < rowInputs ? shape : [columns]);
      });
      const out: TensorInfo = backend.makeOutput(result === "rows" ? shape : [columns], "float32");
      const addresses = [...list, out].map((tensor) => addressOf(backend, tensor));
      run(...addresses, sizeOf(shape) / columns, columns, (attributes as { epsilon?: number }).epsilon ?? 0);
      return out;
    },
  });
  return [
    norm("OpdRmsNorm", simd.rmsNorm, 1, "rows"),
    norm("OpdRmsNormGradient", simd.rmsNormGradient, 2, "rows"),
    norm("OpdRmsNormWeightGradient", simd.rmsNormWeightGradient, 2, "vector"),
    norm("OpdLayerNorm", simd.layerNorm, 1, "rows"),
    norm("OpdLayerNormGradient", simd.layerNormGradient, 2, "rows"),
    norm("OpdLayerNormWeightGradient", simd.layerNormWeightGradient, 2, "vector"),
    norm("OpdSumRows", simd.sumRows, 1, "vector"),
  ];
}
