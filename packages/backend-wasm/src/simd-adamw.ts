import type { AdamWScalars } from "@imagine-opd/tensor-ops";
import { floatInputs, requireShape, sizeOf } from "./check-inputs.ts";
import type { WasmKernel } from "./kernel-registry.ts";
import type { SimdModule } from "./simd-module.ts";
import { addressOf, type WasmInternals } from "./wasm-internals.ts";

const name = "OpdAdamW";

/** One update of AdamW in one pass over weight, gradient and running averages, as `adamWUpdate` of `tensor-ops` defines it. */
export function simdAdamW(backend: WasmInternals, simd: SimdModule): WasmKernel {
  const run: WasmKernel["run"] = (inputs, attributes) => {
    const list = floatInputs(name, inputs);
    const { shape } = list[0]!;
    ["the gradient", "the first average", "the second average"].forEach((what, i) => {
      requireShape(name, what, list[i + 1]!, shape);
    });
    const out = [0, 1, 2].map(() => backend.makeOutput(shape, "float32"));
    const [weight, gradient, first, second] = list.map((x) => addressOf(backend, x)) as [
      number,
      number,
      number,
      number,
    ];
    const [newWeight, newFirst, newSecond] = out.map((x) => addressOf(backend, x)) as [number, number, number];
    const scalars = attributes as unknown as AdamWScalars;
    simd.adamW(
      ...([weight, gradient, first, second, newWeight, newFirst, newSecond, sizeOf(shape)] as const),
      scalars.gradientScale,
      scalars.decay,
      scalars.firstRate,
      scalars.secondKeep,
      scalars.secondRate,
      scalars.epsilon,
      scalars.stepSize,
    );
    return out;
  };
  return { name, form: "simd", run };
}
