import type { WasmKernel } from "./kernel-registry.ts";
import type { WasmInternals } from "./wasm-internals.ts";

/** Softmax over the last axis; exactly 0 where x − max < −80. */
export function javascriptSoftmax(backend: WasmInternals): WasmKernel {
  const run: WasmKernel["run"] = ({ logits }) => {
    const out = backend.makeOutput(logits!.shape, "float32");
    const [x, y] = [backend.typedArrayFromHeap(logits!), backend.typedArrayFromHeap(out)];
    const columns = logits!.shape[logits!.shape.length - 1]!;
    for (let start = 0; start < x.length; start += columns) softmaxRow(x, y, start, start + columns);
    return out;
  };
  return { name: "Softmax", form: "javascript", run };
}

type Values = ReturnType<WasmInternals["typedArrayFromHeap"]>;

function softmaxRow(x: Values, y: Values, start: number, end: number): void {
  let largest = x[start]!;
  for (let j = start + 1; j < end; j++) largest = Math.max(largest, x[j]!);
  let sum = 0;
  for (let j = start; j < end; j++) {
    const difference = x[j]! - largest;
    const value = difference < -80 ? 0 : Math.exp(difference);
    y[j] = value;
    sum += value;
  }
  for (let j = start; j < end; j++) y[j] = y[j]! / sum;
}
