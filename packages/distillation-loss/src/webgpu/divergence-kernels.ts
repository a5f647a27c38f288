import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import type { TensorInfo } from "@tensorflow/tfjs-core";
import {
  comparedColumns,
  type RowDivergenceAttributes,
  type RowDivergenceGradientAttributes,
} from "../row-divergence.ts";
import type { StatisticName } from "../statistics.ts";
import { locateRow, mapElements, reduceWorkgroup, runRowProgram, visitColumns, workgroupSize } from "./row-program.ts";
import { openedRowShader } from "./wgsl-opened-row.ts";
import { readNumber } from "./wgsl-support.ts";

/** `RowDivergence` in one reading of both rows. */
export function runDivergence(
  backend: WebGPUBackend,
  [student, teacher, numbers]: readonly TensorInfo[],
  attributes: RowDivergenceAttributes,
): TensorInfo {
  const { key, uniforms, code } = openedRowShader(attributes, comparedColumns(attributes.topK), "left-out");
  return runRowProgram(backend, {
    key: `RowDivergence:${key}`,
    inputs: { student: student!, teacher: teacher!, numbers: numbers! },
    logits: ["student", "teacher"],
    uniforms,
    each: "row",
    outputShape: [3, student!.shape[0]!],
    code: (lanes) => `${code}
var<private> currentRow : i32;
var<private> own : vec3<f32>;
var<workgroup> sums : array<vec3<f32>, ${workgroupSize}>;

fn visit(column : i32, student : f32, teacher : f32) { own += compareAt(currentRow, column, student, teacher).xyz; }

fn addSums(a : vec3<f32>, b : vec3<f32>) -> vec3<f32> { return a + b; }

fn main(index : i32) {
  ${locateRow}
  currentRow = row;
  own = vec3<f32>(0.0f);
  ${visitColumns(["student", "teacher"], lanes, "visit")}
  ${reduceWorkgroup("sums", "own", "addSums")}
  let n = uniforms.outShape[1];
  if (tid == 0 && row < n) {
    // The maxima of rows that hold a NaN are NaN.
    let broken = isBroken(${readNumber(0)}) || isBroken(${readNumber(2)});
    result[row] = select(sums[0].x, uniforms.NAN, broken);
    result[n + row] = select(sums[0].y, uniforms.NAN, broken);
    result[2 * n + row] = sums[0].z;
  }
}`,
  });
}

/** `RowDivergenceGradient`, elementwise. */
export function runDivergenceGradient(
  backend: WebGPUBackend,
  [student, teacher, numbers, coefficients]: readonly TensorInfo[],
  attributes: RowDivergenceGradientAttributes,
): TensorInfo {
  const { statistics } = attributes;
  const { key, uniforms, code } = openedRowShader(attributes, statistics, "compared");
  const read = (name: StatisticName) => readNumber(statistics.indexOf(name));
  return runRowProgram(backend, {
    key: `RowDivergenceGradient:${key}:${statistics.join()}`,
    inputs: { student: student!, teacher: teacher!, numbers: numbers!, coefficients: coefficients! },
    logits: ["student", "teacher"],
    uniforms,
    each: "element",
    outputShape: student!.shape as [number, number],
    code: (lanes) => `${code}
fn gradientAt(row : i32, column : i32, student : f32, teacher : f32) -> f32 {
  let pull = ${read("pull")};
  let compared = compareAt(row, column, student, teacher);
  let factor = coefficients[row] * ${read("defined")} * uniforms.inverseTemperature;
  let gradient = (compared.y - compared.w * pull) * factor;
  return select(gradient, uniforms.NAN, isBroken(pull));
}
${mapElements(["student", "teacher"], lanes, "gradientAt")}`,
  });
}
