import type { TensorInfo } from "@tensorflow/tfjs-core";
import { requireShape, sizeOf } from "./check-inputs.ts";
import { columnSums } from "./column-sums.ts";
import type { FusedKernel } from "./fused-kernel.ts";
import { defineProgram } from "./program.ts";
import { summingThreads as threads, workgroupSum } from "./workgroup-sum.ts";

interface Constants {
  /** LayerNorm takes the mean off, RMSNorm does not. */
  readonly centered: boolean;
}

/** Of one row each: sets `mean` and `inverse`, the reciprocal of its (centered) root mean square. */
const rowStatistics = ({ centered }: Constants): string => `
  let columns = uniforms.columns;
  let start = min(group, uniforms.rows - 1) * columns;
  var sum = vec2<f32>();
  ${
    centered
      ? `for (var i = thread; i < columns; i += ${threads}) { sum.x += x[start + i]; }
         sum = sumOverWorkgroup(thread, sum);`
      : ""
  }
  let mean = sum.x / f32(columns);
  sum = vec2<f32>();
  for (var i = thread; i < columns; i += ${threads}) { let far = x[start + i] - mean; sum.y += far * far; }
  sum = sumOverWorkgroup(thread, sum);
  let inverse = inverseSqrt(sum.y / f32(columns) + uniforms.epsilon);`;

/** A workgroup for each row; `body` follows its statistics. */
function defineRowProgram(name: string, body: (constants: Constants) => string) {
  return defineProgram<Constants>({
    name,
    workgroupSize: threads,
    code: (constants) => `
      ${workgroupSum("vec2<f32>")}
      fn compute(group : i32, thread : i32) {
        ${rowStatistics(constants)}
        ${body(constants)}
      }`,
  });
}

const normalize = defineRowProgram(
  "normalize",
  ({ centered }) => `
    if (group >= uniforms.rows) { return; }
    for (var i = thread; i < columns; i += ${threads}) {
      result[start + i] = (x[start + i] - mean) * inverse * weight[i]${centered ? " + bias[i]" : ""};
    }`,
);

/** `inverse · (g − mean(g) − x̂ · mean(g · x̂))` with `g = dy · weight`; without the mean of g for RMSNorm. */
const inputGradient = defineRowProgram(
  "normGradient",
  ({ centered }) => `
    var means = vec2<f32>();
    for (var i = thread; i < columns; i += ${threads}) {
      let g = dy[start + i] * weight[i];
      means += g * vec2<f32>(1, (x[start + i] - mean) * inverse);
    }
    means = sumOverWorkgroup(thread, means) / f32(columns);
    if (group >= uniforms.rows) { return; }
    for (var i = thread; i < columns; i += ${threads}) {
      let along = (x[start + i] - mean) * inverse * means.y;
      result[start + i] = inverse * (dy[start + i] * weight[i]${centered ? " - means.x" : ""} - along);
    }`,
);

/** `[rows, 2]`: mean and inverse of each row. */
const statisticsOf = defineRowProgram(
  "normStatistics",
  () => `
    if (group >= uniforms.rows || thread > 0) { return; }
    result[2 * group] = mean;
    result[2 * group + 1] = inverse;`,
);

/** Sizes and epsilon as the programs take them, of tensors whose last axis is normalised. */
function planRows(x: TensorInfo, { epsilon }: Readonly<Record<string, unknown>>) {
  const columns = x.shape.at(-1)!;
  const rows = sizeOf(x.shape) / columns;
  return {
    rows,
    columns,
    plan: { integers: { rows, columns }, floats: { epsilon: epsilon as number }, workgroups: rows },
  };
}

function kernelsOf(name: string, constants: Constants): FusedKernel[] {
  const value: FusedKernel = {
    name,
    run: (backend, [x, weight, bias], attributes) => {
      const { columns, plan } = planRows(x!, attributes);
      requireShape(name, "the weight", weight!, [columns]);
      if (constants.centered) requireShape(name, "the bias", bias!, [columns]);
      const inputs = { x: x!, weight: weight!, ...(constants.centered && { bias: bias! }) };
      return normalize(backend, { constants, inputs, ...plan, output: x!.shape });
    },
  };
  const gradient: FusedKernel = {
    name: `${name}Gradient`,
    run: (backend, [dy, x, weight], attributes) => {
      const { columns, plan } = planRows(x!, attributes);
      requireShape(`${name}Gradient`, "dy", dy!, x!.shape);
      requireShape(`${name}Gradient`, "the weight", weight!, [columns]);
      const inputs = { dy: dy!, x: x!, weight: weight! };
      return inputGradient(backend, { constants, inputs, ...plan, output: x!.shape });
    },
  };
  const weightGradient: FusedKernel = {
    name: `${name}WeightGradient`,
    run: (backend, [dy, x], attributes) => {
      const { rows, columns, plan } = planRows(x!, attributes);
      requireShape(`${name}WeightGradient`, "dy", dy!, x!.shape);
      const statistics = statisticsOf(backend, { constants, inputs: { x: x! }, ...plan, output: [rows, 2] });
      const sums = columnSums(backend, dy!, [rows, columns], { x: x!, statistics });
      backend.disposeData(statistics.dataId);
      return sums;
    },
  };
  return [value, gradient, weightGradient];
}

/** RMSNorm and LayerNorm over the last axis, and the gradients in input and weight. */
export const normKernels: readonly FusedKernel[] = [
  ...kernelsOf("OpdRmsNorm", { centered: false }),
  ...kernelsOf("OpdLayerNorm", { centered: true }),
];
