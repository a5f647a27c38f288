import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import type { TensorInfo } from "@tensorflow/tfjs-core";
import { isHalf, readerOf, wordsOf } from "../half-storage/half-tensors.ts";
import { defineProgram } from "./program.ts";
import { summingThreads as threads, workgroupSum } from "./workgroup-sum.ts";

interface Constants {
  /** Whether the rows are RMS-normalised first. */
  readonly normed: boolean;
  /**
   * `plain`: one column of the product. `sum`: with `residual` added. `turned`: a column of a head and its partner, rotated.
   * `gated`: `silu(one) · two` of a column of two weights.
   */
  readonly form: "plain" | "sum" | "turned" | "gated";
  /** Whether the weights are words of 16-bit floats. */
  readonly halves: boolean;
}

/** Rows of the batch that a workgroup takes at a time; their weights are read once. */
const rowsAtOnce = 4;

/** Which rows of the weights a workgroup takes, from the number of its column; of other forms than `turned` one suffices. */
const turnedRows = `
  let half = uniforms.headSize / 2;
  let one = column / half * uniforms.headSize + column % half;
  let two = one + half;`;

const write: Readonly<Record<Constants["form"], string>> = {
  plain: "result[place(row, one)] = first;",
  sum: "result[place(row, one)] = residual[row * uniforms.columns + one] + first;",
  turned: `
    let angle = row * uniforms.angleStep + one % uniforms.headSize;
    result[place(row, one)] = first * cos[angle] - second * sin[angle];
    result[place(row, two)] = second * cos[angle + half] + first * sin[angle + half];`,
  gated: "result[place(row, one)] = first / (1 + exp(-max(first, -87))) * second;",
};

/**
 * Rows times weights, for the few rows of a decoding step: a workgroup for each column and 4 rows. As every term of a row has
 * the same factor `1 / rms`, the norm is taken along with the products.
 */
const project = defineProgram<Constants>({
  name: "decodeProjection",
  workgroupSize: threads,
  code: ({ normed, form, halves }) => {
    const second =
      form === "turned" ? "weightAt(two * depth + i)" : form === "gated" ? "otherWeightAt(one * depth + i)" : "";
    return `
      ${readerOf("weight", halves)}
      ${form === "gated" ? readerOf("otherWeight", halves) : ""}
      ${workgroupSum("mat3x4<f32>")}
      fn place(row : i32, column : i32) -> i32 {
        let head = column / uniforms.headSize;
        return row * uniforms.rowStep + head * uniforms.headStep + uniforms.offset + column % uniforms.headSize;
      }
      fn compute(group : i32, thread : i32) {
        let blocks = (uniforms.rows + ${rowsAtOnce - 1}) / ${rowsAtOnce};
        let column = group / blocks;
        let start = group % blocks * ${rowsAtOnce};
        let depth = uniforms.depth;
        ${form === "turned" ? turnedRows : "let one = column;"}
        let rows = min(vec4<i32>(start, start + 1, start + 2, start + 3), vec4<i32>(uniforms.rows - 1)) * depth;
        var sums = mat3x4<f32>();
        for (var i = thread; i < depth; i += ${threads}) {
          var state = vec4<f32>(x[rows.x + i], x[rows.y + i], x[rows.z + i], x[rows.w + i]);
          ${normed ? "sums[2] += state * state; state *= norm[i];" : ""}
          sums[0] += state * weightAt(one * depth + i);
          ${second === "" ? "" : `sums[1] += state * ${second};`}
        }
        sums = sumOverWorkgroup(thread, sums);
        let row = start + thread;
        if (thread >= ${rowsAtOnce} || row >= uniforms.rows || column >= uniforms.columns) { return; }
        let inverse = ${normed ? "inverseSqrt(sums[2][thread] / f32(depth) + uniforms.epsilon)" : "1.0"};
        let first = sums[0][thread] * inverse;
        ${second === "" ? "" : "let second = sums[1][thread] * inverse;"}
        ${write[form]}
      }`;
  },
});

/** Where results go in the output, in numbers: rows of the batch, heads in a row, and the first of all. */
export interface ProjectionPlace {
  readonly output: readonly number[] | TensorInfo;
  readonly headSize: number;
  readonly rowStep: number;
  readonly headStep: number;
  readonly offset: number;
}

/** What is multiplied. */
export interface Projection {
  readonly form: Constants["form"];
  /** `[B, depth]` */
  readonly x: TensorInfo;
  /** `[out, depth]` */
  readonly weight: TensorInfo;
  readonly norm?: { readonly weight: TensorInfo; readonly epsilon: number };
  /** The form's further inputs by name: `residual`, `cos` and `sin`, or `otherWeight`. */
  readonly others?: Readonly<Record<string, TensorInfo>>;
}

/** @param place where the results go; one row after the other if left out */
export function runProjection(
  backend: WebGPUBackend,
  { form, x, weight, norm, others }: Projection,
  place?: ProjectionPlace,
): TensorInfo {
  const [rows, depth] = x.shape as [number, number];
  const out = weight.shape[0]!;
  const { output, ...steps } = place ?? { output: [rows, out], headSize: out, rowStep: out, headStep: 0, offset: 0 };
  const columns = form === "turned" ? out / 2 : out;
  const other = others?.otherWeight;
  // A weight in 16 bits beside one in 32 is expanded as for any program.
  const halves = [weight, ...(other === undefined ? [] : [other])].every((each) => isHalf(backend, each));
  const stored = halves ? { weight: wordsOf(weight), ...(other && { otherWeight: wordsOf(other) }) } : { weight };
  const angleStep = others?.cos === undefined || others.cos.shape[0] === 1 ? 0 : steps.headSize;
  return project(backend, {
    constants: { normed: norm !== undefined, form, halves },
    inputs: { x, ...(norm && { norm: norm.weight }), ...others, ...stored },
    integers: { rows, depth, columns, ...steps, angleStep },
    floats: { epsilon: norm?.epsilon ?? 0 },
    workgroups: columns * Math.ceil(rows / rowsAtOnce),
    output,
  });
}
