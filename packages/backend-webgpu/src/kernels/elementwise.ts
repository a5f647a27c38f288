import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import { allocate, blocksOf, disposeAll, isLarge, rowWindow } from "../large-tensors/row-windows.ts";
import { sizeOf } from "./check-inputs.ts";
import { type Dispatch, defineProgram, type Program } from "./program.ts";

const threads = 128;

/** Sizes of a program that has an invocation for each element of its output. */
export const overElements = (size: number) => ({ integers: { size }, workgroups: Math.ceil(size / threads) });

/**
 * A program with an invocation for each element; `statements` set `result[i]` and may use `uniforms.size`. What no shader sees
 * at once is computed block by block where every input is as large as the output.
 */
export function defineElementwise<Constants extends object>(
  name: string,
  statements: (constants: Constants) => string,
  declarations = "",
): Program<Constants> {
  const run = defineProgram<Constants>({
    name,
    workgroupSize: threads,
    code: (constants) => `
      ${declarations}
      fn compute(group : i32, thread : i32) {
        let i = group * ${threads} + thread;
        if (i >= uniforms.size) { return; }
        ${statements(constants)}
      }`,
  });
  return (backend, dispatch) => {
    const { inputs, output } = dispatch;
    const shape = "dataId" in output ? output.shape : output;
    const alike = Object.values(inputs).every((input) => sizeOf(input.shape) === sizeOf(shape));
    return alike && isLarge(backend, shape) ? runInBlocks(run, backend, dispatch, shape) : run(backend, dispatch);
  };
}

function runInBlocks<Constants extends object>(
  run: Program<Constants>,
  backend: WebGPUBackend,
  dispatch: Dispatch<Constants>,
  shape: readonly number[],
) {
  const size = sizeOf(shape);
  const result = "dataId" in dispatch.output ? dispatch.output : allocate(backend, shape, "float32");
  for (const [from, count] of blocksOf(backend, [size])) {
    const block = (tensor: typeof result) => rowWindow(backend, { ...tensor, shape: [size] }, from, count);
    const inputs = Object.fromEntries(Object.entries(dispatch.inputs).map(([name, input]) => [name, block(input)]));
    const output = block(result);
    run(backend, { ...dispatch, ...overElements(count), inputs, output });
    disposeAll(backend, [...Object.values(inputs), output]);
  }
  return result;
}
