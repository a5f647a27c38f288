import type { RowDivergenceAttributes } from "../row-divergence.ts";
import type { StatisticName } from "../statistics.ts";
import { type DivergenceShader, divergenceShader } from "./wgsl-divergence.ts";
import { readNumber, supportUniforms, wgslSupport } from "./wgsl-support.ts";

/**
 * WGSL that compares one id of two rows, from the `names` that are known of the rows in the binding `numbers`:
 * `fn compareAt(row, column, student, teacher) -> vec4<f32>` gives the term, the slope, 1 where it is cut off, and S. Ids that
 * are not compared by themselves give 0, or, where `tail` is compared, what the gradient takes them for.
 */
export function openedRowShader(
  attributes: RowDivergenceAttributes,
  names: readonly StatisticName[],
  tail: "left-out" | "compared",
): DivergenceShader {
  const { divergence, entryLimit, temperature, topK, from } = attributes;
  const form = divergenceShader(divergence, entryLimit);
  const read = (name: StatisticName) => readNumber(names.indexOf(name));
  const logProb = (model: "student" | "teacher") =>
    `(max(${model}, impossible) - ${read(`${model}Shift`)}) * uniforms.inverseTemperature - ${read(`${model}LogSum`)}`;
  const support = topK && {
    code: wgslSupport(read),
    compare: compareOnSupport(read("studentPart"), read("teacherPart"), tail),
    uniforms: supportUniforms(topK, from),
  };
  return {
    key: `${form.key}${support ? ":topK" : ""}`,
    uniforms: { inverseTemperature: 1 / temperature, ...form.uniforms, ...support?.uniforms },
    code: `${form.code} ${support?.code ?? ""}
fn compareLogs(s : f32, t : f32, logRatio : f32) -> vec4<f32> {
  let probability = exp(s);
  return vec4<f32>(compare(probability, exp(t), logRatio), probability);
}

fn compareAt(row : i32, column : i32, student : f32, teacher : f32) -> vec4<f32> {
  let s = ${logProb("student")};
  let t = ${logProb("teacher")};
  ${support?.compare ?? "return compareLogs(s, t, s - t);"}
}`,
  };
}

function compareOnSupport(studentPart: string, teacherPart: string, tail: "left-out" | "compared"): string {
  const compareTail = `
  if (hasTail) {
    // As if the teacher gave the id the student's share of the teacher's tail: then its log-ratio is that of the tails.
    let tailRatio = parts.x - parts.y;
    return compareLogs(s, s - tailRatio, tailRatio);
  }`;
  return `
  let parts = vec2<f32>(${studentPart}, ${teacherPart});
  let hasTail = uniforms.hasTail > 0.0f;
  if (findMembers(row, column, student, teacher).support) {
    let inside = vec2<f32>(s, t) - select(parts, vec2<f32>(0.0f), hasTail);
    return compareLogs(inside.x, inside.y, inside.x - inside.y);
  }
  ${tail === "compared" ? compareTail : ""}
  return vec4<f32>(0.0f);`;
}
