import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import type { TensorInfo } from "@tensorflow/tfjs-core";
import { formOf } from "../divergence-form.ts";
import { comparisonStatistics, type RowComparisonAttributes } from "../row-comparison.ts";
import type { StatisticName } from "../statistics.ts";
import { locateRow, reduceWorkgroup, runRowProgram, visitColumns, workgroupSize } from "./row-program.ts";
import { divergenceShader } from "./wgsl-divergence.ts";
import { wgslScore } from "./wgsl-score.ts";

/**
 * `RowComparison` in two readings by one workgroup: the softmax sums of both models, then the sums of the divergence. A
 * single reading would have to subtract two log-sums in the end, and lose the digits that the logits have in common.
 */
export function runComparison(
  backend: WebGPUBackend,
  [student, teacher]: readonly TensorInfo[],
  { divergence, temperature, entryLimit }: RowComparisonAttributes,
): TensorInfo {
  const statistics = comparisonStatistics(entryLimit);
  const form = divergenceShader(divergence, entryLimit);
  const constantPull = entryLimit === undefined ? formOf(divergence).constantPull : undefined;
  const results: Partial<Record<StatisticName, string>> = {
    ...outputs,
    ...(constantPull !== undefined && { pull: `${constantPull.toFixed(1)}f` }),
  };
  return runRowProgram(backend, {
    key: `RowComparison:${form.key}${entryLimit === undefined ? "" : ":limited"}`,
    inputs: { student: student!, teacher: teacher! },
    logits: ["student", "teacher"],
    uniforms: { inverseTemperature: 1 / temperature, ...form.uniforms },
    each: "row",
    outputShape: [statistics.length, student!.shape[0]!],
    code: (lanes) => `${wgslScore(2)} ${form.code}
var<private> ownScore : Score;
var<private> shift : vec2<f32>;
var<private> logSum : vec2<f32>;
var<private> ownSums : vec3<f32>;
var<workgroup> scores : array<Score, ${workgroupSize}>;
var<workgroup> sums : array<vec3<f32>, ${workgroupSize}>;

fn score(column : i32, student : f32, teacher : f32) {
  ownScore = addLogit(ownScore, column, vec2<f32>(student, teacher));
}

fn compareAt(column : i32, student : f32, teacher : f32) {
  let logProb = (max(vec2<f32>(student, teacher), vec2<f32>(impossible)) - shift) * uniforms.inverseTemperature - logSum;
  let probability = exp(logProb);
  ownSums += compare(probability.x, probability.y, logProb.x - logProb.y);
}

fn addSums(a : vec3<f32>, b : vec3<f32>) -> vec3<f32> { return a + b; }

fn main(index : i32) {
  ${locateRow}
  ownScore = emptyScore();
  ${visitColumns(["student", "teacher"], lanes, "score")}
  ${reduceWorkgroup("scores", "ownScore", "mergeScores")}
  shift = scores[0].shift;
  logSum = vec2<f32>(logOf(scores[0].sum.x), logOf(scores[0].sum.y));
  ownSums = vec3<f32>(0.0f);
  ${visitColumns(["student", "teacher"], lanes, "compareAt")}
  ${reduceWorkgroup("sums", "ownSums", "addSums")}
  let n = uniforms.outShape[1];
  if (tid == 0 && row < n) {
    let score = scores[0];
    let entropy = logSum - score.weighted / score.sum;
    let defined = select(0.0f, 1.0f, min(shift.x, shift.y) > impossible / 10.0f);
    let broken = (score.broken.x | score.broken.y) == 1u;
    ${statistics.map((name, i) => `result[${i} * n + row] = select(${results[name]!}, uniforms.NAN, broken);`).join("\n    ")}
  }
}`,
  });
}

/** WGSL of what is written for each statistic. */
const outputs: Partial<Record<StatisticName, string>> = {
  value: "sums[0].x",
  pull: "sums[0].y",
  clippedEntries: "sums[0].z",
  defined: "defined",
  studentShift: "shift.x",
  studentLogSum: "logSum.x",
  studentEntropy: "entropy.x",
  studentTop: "f32(score.top.x)",
  teacherShift: "shift.y",
  teacherLogSum: "logSum.y",
  teacherEntropy: "entropy.y",
  teacherTop: "f32(score.top.y)",
};
