import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import type { TensorInfo } from "@tensorflow/tfjs-core";
import { sizeOf } from "./check-inputs.ts";
import type { FusedKernel } from "./fused-kernel.ts";
import { defineProgram } from "./program.ts";

/** A workgroup adds up 16 neighbouring columns, each by 16 invocations that take every 16th row. */
const side = 16;

const sumColumns = defineProgram<{ normalized: boolean }>({
  name: "sumColumns",
  workgroupSize: side * side,
  code: ({ normalized }) => `
    var<workgroup> sums : array<f32, ${side * side}>;
    fn compute(group : i32, thread : i32) {
      let column = group * ${side} + thread % ${side};
      var sum = 0.0;
      if (column < uniforms.columns) {
        for (var row = thread / ${side}; row < uniforms.rows; row += ${side}) {
          let at = row * uniforms.columns + column;
          sum += dy[at]${normalized ? " * (x[at] - statistics[2 * row]) * statistics[2 * row + 1]" : ""};
        }
      }
      sums[thread] = sum;
      workgroupBarrier();
      if (thread < ${side} && column < uniforms.columns) {
        for (var other = thread + ${side}; other < ${side * side}; other += ${side}) { sum += sums[other]; }
        result[column] = sum;
      }
    }`,
});

/** What a norm's weight gradient multiplies with: the rows and, of each, its mean and the inverse of its deviation. */
interface Normalization {
  readonly x: TensorInfo;
  readonly statistics: TensorInfo;
}

/** The sum of the rows of `dy`, of `dy` times the normalised rows where these are given: `[rows, columns]` → `[columns]`. */
export function columnSums(
  backend: WebGPUBackend,
  dy: TensorInfo,
  [rows, columns]: readonly [number, number],
  normalization?: Normalization,
): TensorInfo {
  return sumColumns(backend, {
    constants: { normalized: normalization !== undefined },
    inputs: { dy, ...normalization },
    integers: { rows, columns },
    workgroups: Math.ceil(columns / side),
    output: [columns],
  });
}

/** The sum over all axes but the last: the gradient of a bias. */
export const sumRowsKernel: FusedKernel = {
  name: "OpdSumRows",
  run: (backend, [x]) => {
    const columns = x!.shape.at(-1)!;
    return columnSums(backend, x!, [sizeOf(x!.shape) / columns, columns]);
  },
};
