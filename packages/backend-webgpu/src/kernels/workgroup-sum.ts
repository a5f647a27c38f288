/** Invocations of workgroups that add up: what most GPUs run in step. */
export const summingThreads = 32;

/** Values that one invocation adds up in the first step. */
const stride = 8;

/**
 * WGSL of `sumOverWorkgroup(thread, value)`: the sum of the values of all invocations, the same for each, always added up
 * in one order. All invocations must call it.
 * @param type of the values: a scalar, vector or matrix of f32
 */
export function workgroupSum(type: string): string {
  return `
    var<workgroup> summands : array<${type}, ${summingThreads}>;
    fn sumOverWorkgroup(thread : i32, value : ${type}) -> ${type} {
      workgroupBarrier(); // the sum before may still be read
      summands[thread] = value;
      workgroupBarrier();
      if (thread % ${stride} == 0) {
        var sum = summands[thread];
        for (var i = 1; i < ${stride}; i++) { sum = sum + summands[thread + i]; }
        summands[thread] = sum;
      }
      workgroupBarrier();
      var total = summands[0];
      for (var i = ${stride}; i < ${summingThreads}; i += ${stride}) { total = total + summands[i]; }
      return total;
    }`;
}
