import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import type { TensorInfo } from "@tensorflow/tfjs-core";
import { mapElements, runRowProgram } from "./row-program.ts";
import { readNumber } from "./wgsl-support.ts";

/** `RowTokenGradient`, elementwise. */
export function runTokenGradient(
  backend: WebGPUBackend,
  [logits, columns, numbers]: readonly TensorInfo[],
  { temperature }: { readonly temperature: number },
): TensorInfo {
  return runRowProgram(backend, {
    key: "RowTokenGradient",
    inputs: { logits: logits!, chosen: columns!, numbers: numbers! },
    logits: ["logits"],
    uniforms: { inverseTemperature: 1 / temperature },
    each: "element",
    outputShape: logits!.shape as [number, number],
    code: (lanes) => `
fn gradientAt(row : i32, column : i32, z : f32) -> f32 {
  let shift = ${readNumber(0)};
  let probability = exp((max(z, impossible) - shift) * uniforms.inverseTemperature - ${readNumber(1)});
  let inside = select(0.0f, ${readNumber(3)}, column == chosen[row]);
  let gradient = (inside - probability) * ${readNumber(2)} * uniforms.inverseTemperature;
  return select(gradient, uniforms.NAN, isBroken(shift));
}
${mapElements(["logits"], lanes, "gradientAt")}`,
  });
}
