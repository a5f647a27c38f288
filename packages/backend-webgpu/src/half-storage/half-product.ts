import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import type { TensorInfo } from "@tensorflow/tfjs-core";
import { runProjection } from "../kernels/decode-projection.ts";
import { defineProgram } from "../kernels/program.ts";
import { computeByRows } from "../large-tensors/compute-by-rows.ts";
import { isLarge, requireBuffer } from "../large-tensors/row-windows.ts";
import { readerOf, wordsOf } from "./half-tensors.ts";

interface Constants {
  /** Whether the product is with the weight's transpose, as in a linear map; in its gradient it is with the weight. */
  readonly transposed: boolean;
  readonly bias: boolean;
}

/** Rows and columns of the result that a workgroup makes, and terms that it adds at a time. */
const side = 32;
const terms = 16;
/** Rows and columns of an invocation, side by side. */
const own = 4;
const threads = (side / own) ** 2;

const product = defineProgram<Constants>({
  name: "halfProduct",
  workgroupSize: threads,
  code: ({ transposed, bias }) => `
    ${readerOf("weight", true)}
    var<workgroup> left : array<array<f32, ${side}>, ${terms}>;
    var<workgroup> right : array<array<f32, ${side}>, ${terms}>;
    fn xAt(row : i32, term : i32) -> f32 {
      if (row >= uniforms.rows || term >= uniforms.depth) { return 0; }
      return x[row * uniforms.depth + term];
    }
    fn factorAt(term : i32, column : i32) -> f32 {
      if (column >= uniforms.columns || term >= uniforms.depth) { return 0; }
      return weightAt(${transposed ? "column * uniforms.depth + term" : "term * uniforms.columns + column"});
    }
    fn compute(group : i32, thread : i32) {
      let across = (uniforms.columns + ${side - 1}) / ${side};
      let firstRow = group / across * ${side};
      let firstColumn = group % across * ${side};
      let row = thread / ${side / own} * ${own};
      let column = thread % ${side / own} * ${own};
      var sums = array<vec4<f32>, ${own}>();
      for (var start = 0; start < uniforms.depth; start += ${terms}) {
        for (var i = thread; i < ${side * terms}; i += ${threads}) {
          // Neighbours read what lies side by side.
          left[i % ${terms}][i / ${terms}] = xAt(firstRow + i / ${terms}, start + i % ${terms});
          ${
            transposed
              ? `right[i % ${terms}][i / ${terms}] = factorAt(start + i % ${terms}, firstColumn + i / ${terms});`
              : `right[i / ${side}][i % ${side}] = factorAt(start + i / ${side}, firstColumn + i % ${side});`
          }
        }
        workgroupBarrier();
        for (var term = 0; term < ${terms}; term++) {
          let factors = vec4<f32>(right[term][column], right[term][column + 1], right[term][column + 2], right[term][column + 3]);
          for (var i = 0; i < ${own}; i++) { sums[i] += left[term][row + i] * factors; }
        }
        workgroupBarrier();
      }
      for (var i = 0; i < ${own}; i++) {
        for (var j = 0; j < ${own}; j++) {
          let place = vec2<i32>(firstRow + row + i, firstColumn + column + j);
          if (place.x < uniforms.rows && place.y < uniforms.columns) {
            result[place.x * uniforms.columns + place.y] = sums[i][j]${bias ? " + bias[place.y]" : ""};
          }
        }
      }
    }`,
});

/** Up to here a workgroup for each column keeps more of a device busy than tiles do. */
const fewRows = 8;

/** A product with a weight that is stored in 16 bits. */
export interface HalfProduct {
  /** `[rows, depth]` */
  readonly x: TensorInfo;
  /** `[columns, depth]` if transposed, else `[depth, columns]`. */
  readonly weight: TensorInfo;
  readonly transposed: boolean;
  /** `[columns]` */
  readonly bias?: TensorInfo | undefined;
}

/** `x · weightᵀ + bias` or `x · weight + bias`, `[rows, columns]`, summed in float32. */
export function multiplyByHalves(backend: WebGPUBackend, { x, weight, transposed, bias }: HalfProduct): TensorInfo {
  const [rows, depth] = x.shape as [number, number];
  const columns = weight.shape[transposed ? 0 : 1]!;
  const compute = (part: TensorInfo, count: number): TensorInfo => {
    if (transposed && bias === undefined && count <= fewRows) {
      return runProjection(backend, { form: "plain", x: part, weight });
    }
    return product(backend, {
      constants: { transposed, bias: bias !== undefined },
      inputs: { x: part, weight: wordsOf(weight), ...(bias && { bias }) },
      integers: { rows: count, depth, columns },
      workgroups: Math.ceil(count / side) * Math.ceil(columns / side),
      output: [count, columns],
    });
  };
  if (![x.shape, [rows, columns]].some((shape) => isLarge(backend, shape))) return compute(x, rows);
  requireBuffer(backend, [rows, columns]);
  const widest = Math.max(depth, columns);
  return computeByRows(backend, { rows, widest, inputs: [x], compute: ([part], count) => compute(part!, count) });
}
