import { type AdapterModule, checkModule } from "./adapter.ts";

/**
 * The dense change of the layer's weight, `scale · B · A`, `[out, in]` row-major: add it to the weight to merge the adapter.
 * Sums in float64, rounds once.
 * @throws mismatch when the factors do not have the module's sizes
 */
export function deltaOf(module: AdapterModule): Float32Array {
  checkModule(module, "lora.deltaOf");
  const { rank, inSize, outSize, scale, a, b } = module;
  const delta = new Float32Array(outSize * inSize);
  const row = new Float64Array(inSize);
  for (let out = 0; out < outSize; out++) {
    row.fill(0);
    for (let r = 0; r < rank; r++) {
      const weight = scale * b[out * rank + r]!;
      for (let i = 0; i < inSize; i++) row[i]! += weight * a[r * inSize + i]!;
    }
    delta.set(row, out * inSize);
  }
  return delta;
}
