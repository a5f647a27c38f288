import { formOf, mixtureOf } from "../divergence-form.ts";
import type { Divergence } from "../divergence-kind.ts";

/** WGSL of a divergence's terms and slopes, and the numbers that it reads from `uniforms`. */
export interface DivergenceShader {
  readonly key: string;
  readonly uniforms: Readonly<Record<string, number>>;
  /**
   * `fn compare(student, teacher, logRatio) -> vec3<f32>`: the term of an id, its slope, and 1 where it is cut off; the
   * formulas of `DivergenceForm`.
   */
  readonly code: string;
}

export function divergenceShader(divergence: Divergence, entryLimit: number | undefined): DivergenceShader {
  const { kind } = divergence;
  const limits =
    entryLimit === undefined
      ? { entryLimit: noLimit, slopeOffset: 0 }
      : { entryLimit, slopeOffset: formOf(divergence).slopeOffset };
  const weights = kind === "jsd" || kind === "skew-jsd" ? mixtureUniforms(divergence) : {};
  return { key: kind, uniforms: { ...limits, ...weights }, code: forms[kind] + wgslCompare };
}

const noLimit = 3e38;

function mixtureUniforms(divergence: Parameters<typeof mixtureOf>[0]) {
  const { beta, ofTeacher, ofStudent } = mixtureOf(divergence);
  return {
    ofTeacher,
    ofStudent,
    studentShare: 1 - beta,
    // ln of the shares of teacher and student in the mixture, and of their ratio.
    teacherLogShare: Math.log(beta),
    studentLogShare: Math.log(1 - beta),
    logOdds: Math.log(beta / (1 - beta)),
  };
}

const wgslCompare = `
fn compare(student : f32, teacher : f32, logRatio : f32) -> vec3<f32> {
  let term = termOf(student, teacher, logRatio);
  let slope = slopeOf(student, teacher, logRatio) + student * uniforms.slopeOffset;
  if (term > uniforms.entryLimit) { return vec3<f32>(uniforms.entryLimit, 0.0f, 1.0f); }
  return vec3<f32>(term, slope, 0.0f);
}`;

const wgslMixture = `
fn studentToMixture(logRatio : f32) -> f32 {
  return -uniforms.studentLogShare - softplusOf(uniforms.logOdds - logRatio);
}
fn teacherToMixture(logRatio : f32) -> f32 {
  return -uniforms.teacherLogShare - softplusOf(logRatio - uniforms.logOdds);
}
fn termOf(student : f32, teacher : f32, logRatio : f32) -> f32 {
  return teacher * teacherToMixture(logRatio) * uniforms.ofTeacher
    + student * studentToMixture(logRatio) * uniforms.ofStudent;
}`;

const forms: Readonly<Record<Divergence["kind"], string>> = {
  "reverse-kl": `
fn termOf(student : f32, teacher : f32, logRatio : f32) -> f32 { return student * logRatio; }
fn slopeOf(student : f32, teacher : f32, logRatio : f32) -> f32 { return student * logRatio; }`,
  "forward-kl": `
fn termOf(student : f32, teacher : f32, logRatio : f32) -> f32 { return -teacher * logRatio; }
fn slopeOf(student : f32, teacher : f32, logRatio : f32) -> f32 { return -teacher; }`,
  jsd: `${wgslMixture}
fn slopeOf(student : f32, teacher : f32, logRatio : f32) -> f32 {
  return student * studentToMixture(logRatio) * uniforms.ofStudent;
}`,
  "skew-jsd": `${wgslMixture}
fn slopeOf(student : f32, teacher : f32, logRatio : f32) -> f32 {
  let ratio = studentToMixture(logRatio);
  let shares = exp(ratio) * uniforms.ofStudent + exp(teacherToMixture(logRatio)) * uniforms.ofTeacher;
  return student * (ratio * uniforms.ofStudent - shares * uniforms.studentShare);
}`,
};
