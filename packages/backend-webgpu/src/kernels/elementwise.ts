import { defineProgram, type Program } from "./program.ts";

const threads = 128;

/** Sizes of a program that has an invocation for each element of its output. */
export const overElements = (size: number) => ({ integers: { size }, workgroups: Math.ceil(size / threads) });

/** A program with an invocation for each element; `statements` set `result[i]` and may use `uniforms.size`. */
export function defineElementwise<Constants extends object>(
  name: string,
  statements: (constants: Constants) => string,
  declarations = "",
): Program<Constants> {
  return defineProgram<Constants>({
    name,
    workgroupSize: threads,
    code: (constants) => `
      ${declarations}
      fn compute(group : i32, thread : i32) {
        let i = group * ${threads} + thread;
        if (i >= uniforms.size) { return; }
        ${statements(constants)}
      }`,
  });
}
