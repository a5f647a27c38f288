import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import type { TensorInfo } from "@tensorflow/tfjs-core";
import { boundColumns, type SupportAttributes } from "../support-mass.ts";
import { locateRow, reduceWorkgroup, runRowProgram, visitColumns, workgroupSize } from "./row-program.ts";
import { wgslScore } from "./wgsl-score.ts";
import { readNumber, supportUniforms, wgslSupport } from "./wgsl-support.ts";

/** `RowSupportMass` in one reading of both rows. */
export function runSupportMass(
  backend: WebGPUBackend,
  [student, teacher, bounds]: readonly TensorInfo[],
  { topK, temperature, from }: SupportAttributes,
): TensorInfo {
  return runRowProgram(backend, {
    key: "RowSupportMass",
    inputs: { student: student!, teacher: teacher!, bounds: bounds! },
    logits: ["student", "teacher"],
    uniforms: { inverseTemperature: 1 / temperature, ...supportUniforms(topK, from) },
    each: "row",
    outputShape: [5, student!.shape[0]!],
    code: (lanes) => `${wgslScore(2)}
${wgslSupport((name) => readNumber(boundColumns.indexOf(name), "bounds"))}
var<private> currentRow : i32;
var<private> own : Score;
var<private> sharedIds : f32;
var<workgroup> scores : array<Score, ${workgroupSize}>;
var<workgroup> sharedCounts : array<f32, ${workgroupSize}>;

fn visit(column : i32, student : f32, teacher : f32) {
  let members = findMembers(currentRow, column, student, teacher);
  let isSummed = members.support != (uniforms.hasTail > 0.0f);
  own = addLogit(own, column, select(vec2<f32>(impossible), vec2<f32>(student, teacher), isSummed));
  sharedIds += select(0.0f, 1.0f, members.student && members.teacher);
}

fn addCounts(a : f32, b : f32) -> f32 { return a + b; }

fn main(index : i32) {
  ${locateRow}
  currentRow = row;
  own = emptyScore();
  ${visitColumns(["student", "teacher"], lanes, "visit")}
  ${reduceWorkgroup("scores", "own", "mergeScores")}
  ${reduceWorkgroup("sharedCounts", "sharedIds", "addCounts")}
  let n = uniforms.outShape[1];
  if (tid == 0 && row < n) {
    let score = scores[0];
    let shift = select(score.shift, vec2<f32>(uniforms.NAN), score.broken == vec2<u32>(1u));
    result[row] = shift.x;
    result[n + row] = logOf(score.sum.x);
    result[2 * n + row] = shift.y;
    result[3 * n + row] = logOf(score.sum.y);
    result[4 * n + row] = sharedCounts[0];
  }
}`,
  });
}
