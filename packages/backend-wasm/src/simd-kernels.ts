import type { WasmKernel } from "./kernel-registry.ts";
import { type ProductAttributes, planProduct } from "./product-plan.ts";
import type { SimdModule } from "./simd-module.ts";
import { addressOf, type WasmInternals } from "./wasm-internals.ts";

/**
 * Matrix product in every transposition and batched. Each element is one running sum over k in ascending order, so that a
 * row's bits depend on that row of `a` and on `b` alone, whatever the number of rows.
 */
export function simdBatchMatMul(backend: WasmInternals, simd: SimdModule): WasmKernel {
  const run: WasmKernel["run"] = ({ a, b }, attributes) => {
    const { transposeA, transposeB } = attributes as unknown as ProductAttributes;
    const plan = planProduct(a!, b!, { transposeA, transposeB });
    const { n, k } = plan;
    const out = backend.makeOutput(plan.shape, "float32");
    if (k === 0) backend.typedArrayFromHeap(out).fill(0);
    if (k === 0 || plan.batch * plan.m * n === 0) return out;
    // Rows of all batches of `a` that meet one `b` are simply more rows.
    const folded = plan.batchB === 1 && !transposeA;
    const [batch, m] = folded ? [1, plan.batch * plan.m] : [plan.batch, plan.m];
    const [fromA, fromB, to] = [addressOf(backend, a!), addressOf(backend, b!), addressOf(backend, out)];
    for (let i = 0; i < batch; i++) {
      const atA = fromA + 4 * m * k * (i % plan.batchA);
      const atB = fromB + 4 * k * n * (i % plan.batchB);
      simd.multiply(atA, atB, to + 4 * m * n * i, m, n, k, Number(transposeA), Number(transposeB), simd.scratch);
    }
    return out;
  };
  return { name: "BatchMatMul", form: "simd", run };
}

/** Softmax over the last axis; exactly 0 where x − max < −80. */
export function simdSoftmax(backend: WasmInternals, simd: SimdModule): WasmKernel {
  const run: WasmKernel["run"] = ({ logits }) => {
    const out = backend.makeOutput(logits!.shape, "float32");
    const columns = logits!.shape[logits!.shape.length - 1]!;
    const size = logits!.shape.reduce((product, length) => product * length, 1);
    if (size > 0) simd.softmax(addressOf(backend, logits!), addressOf(backend, out), size / columns, columns);
    return out;
  };
  return { name: "Softmax", form: "simd", run };
}
