import { defineProgram } from "./program.ts";

export interface DecodeAttentionConstants {
  /** Numbers of a head, d. */
  readonly size: number;
  readonly pads: boolean;
}

const threads = 64;

/**
 * One query a head over the first `length` positions of a cache, from the first that is no pad: a workgroup for each head,
 * an invocation for each of 64 keys at a time and then for each number of the values.
 */
export const attendCached = defineProgram<DecodeAttentionConstants>({
  name: "decodeAttention",
  workgroupSize: threads,
  code: ({ size, pads }) => {
    const parts = Math.ceil(size / threads);
    return `
      var<workgroup> query : array<f32, ${size}>;
      var<workgroup> scores : array<f32, ${threads}>;
      var<workgroup> firstSeen : i32;
      fn compute(group : i32, thread : i32) {
        let sequence = min(group / uniforms.heads, uniforms.rows - 1);
        let head = group % uniforms.heads;
        let keyHead = head * uniforms.kvHeads / uniforms.heads;
        let cache = (sequence * uniforms.kvHeads + keyHead) * uniforms.capacity * ${size};
        let own = (sequence * uniforms.heads + head) * ${size};
        for (var c = thread; c < ${size}; c += ${threads}) { query[c] = q[own + c]; }
        if (thread == 0) { firstSeen = ${pads ? "pads[sequence]" : "0"}; }
        let start = workgroupUniformLoad(&firstSeen);
        var largest = -1e30;
        var weights = 0.0;
        var total : array<f32, ${parts}>;
        for (var block = start; block < uniforms.length; block += ${threads}) {
          let key = block + thread;
          var score = -1e30;
          if (key < uniforms.length) {
            score = 0;
            for (var c = 0; c < ${size}; c++) { score += query[c] * k[cache + key * ${size} + c]; }
            score *= uniforms.scale;
          }
          scores[thread] = score;
          workgroupBarrier();
          let before = largest;
          for (var j = 0; j < ${threads}; j++) { largest = max(largest, scores[j]); }
          let kept = exp(before - largest);
          workgroupBarrier();
          scores[thread] = exp(score - largest);
          workgroupBarrier();
          weights *= kept;
          for (var part = 0; part < ${parts}; part++) { total[part] *= kept; }
          for (var j = 0; j < min(${threads}, uniforms.length - block); j++) {
            weights += scores[j];
            for (var part = 0; part < ${parts}; part++) {
              let c = min(part * ${threads} + thread, ${size - 1});
              total[part] += scores[j] * v[cache + (block + j) * ${size} + c];
            }
          }
          workgroupBarrier();
        }
        if (group >= uniforms.heads * uniforms.rows) { return; }
        for (var part = 0; part < ${parts}; part++) {
          let c = part * ${threads} + thread;
          if (c < ${size}) { result[own + c] = total[part] / weights; }
        }
      }`;
  },
});
