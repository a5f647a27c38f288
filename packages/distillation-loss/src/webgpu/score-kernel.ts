import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import type { TensorInfo } from "@tensorflow/tfjs-core";
import { locateRow, reduceWorkgroup, runRowProgram, visitColumns, workgroupSize } from "./row-program.ts";
import { wgslScore } from "./wgsl-score.ts";

/** `RowScore` in one reading of the row. */
export function runScore(
  backend: WebGPUBackend,
  [logits]: readonly TensorInfo[],
  { temperature }: { readonly temperature: number },
): TensorInfo {
  return runRowProgram(backend, {
    key: "RowScore",
    inputs: { logits: logits! },
    logits: ["logits"],
    uniforms: { inverseTemperature: 1 / temperature },
    each: "row",
    outputShape: [4, logits!.shape[0]!],
    code: (lanes) => `${wgslScore(1)}
var<private> own : Score;
var<workgroup> scores : array<Score, ${workgroupSize}>;

fn visit(column : i32, z : f32) { own = addLogit(own, column, z); }

fn main(index : i32) {
  ${locateRow}
  own = emptyScore();
  ${visitColumns(["logits"], lanes, "visit")}
  ${reduceWorkgroup("scores", "own", "mergeScores")}
  let n = uniforms.outShape[1];
  if (tid == 0 && row < n) {
    let score = scores[0];
    let broken = score.broken == 1u;
    result[row] = select(score.shift, uniforms.NAN, broken);
    let logSum = logOf(score.sum);
    result[n + row] = select(logSum, uniforms.NAN, broken);
    result[2 * n + row] = select(logSum - score.weighted / score.sum, uniforms.NAN, broken);
    result[3 * n + row] = f32(score.top);
  }
}`,
  });
}
