import type { WebGPUBackend, WebGPUProgram } from "@tensorflow/tfjs-backend-webgpu";
import type { TensorInfo } from "@tensorflow/tfjs-core";
import { wgslArithmetic } from "./wgsl-arithmetic.ts";

/** Invocations of a workgroup; what every WebGPU device can do. */
export const workgroupSize = 256;

/** One run of a shader whose first inputs are rows of logits `[n, c]`. */
export interface RowProgram {
  /** Names the shader; programs with one key have one code and the same inputs and uniforms. */
  readonly key: string;
  /** In the order of the bindings; the variables of the code. */
  readonly inputs: Readonly<Record<string, TensorInfo>>;
  /** Those of the inputs that are `[n, c]`, of which the code may read four columns at once. */
  readonly logits: readonly string[];
  /** Members of `uniforms`, each an f32. */
  readonly uniforms: Readonly<Record<string, number>>;
  /**
   * - `row`: one workgroup for each row of the logits
   * - `element`: one invocation for each `lanes` columns of the `[n, c]` output
   */
  readonly each: "row" | "element";
  readonly outputShape: [number, number];
  /** WGSL with `fn main(index : i32)`, for logits that are read `lanes` columns at once. */
  readonly code: (lanes: Lanes) => string;
}

/** Columns in one entry of a binding: four where their count is a multiple of four. */
export type Lanes = 1 | 4;

export function runRowProgram(backend: WebGPUBackend, program: RowProgram): TensorInfo {
  const { key, inputs, logits, uniforms, each, outputShape, code } = program;
  const [rows, columns] = inputs[logits[0]!]!.shape as [number, number];
  const lanes: Lanes = columns % 4 === 0 ? 4 : 1;
  const groups = each === "row" ? rows : Math.ceil((rows * columns) / lanes / workgroupSize);
  const shader: WebGPUProgram = {
    variableNames: Object.keys(inputs),
    variableComponents: Object.keys(inputs).map((name) => (logits.includes(name) ? lanes : 1)),
    outputComponent: each === "element" ? lanes : 1,
    outputShape,
    uniforms: Object.keys(uniforms)
      .map((name) => `${name} : f32,`)
      .join(" "),
    // Only the elementwise form needs it; the row form is bounded by the shape of its inputs.
    ...(each === "element" && { size: true }),
    // tfjs keeps compiled shaders under this key, and adds ranks, types and names alone.
    shaderKey: `${key}:${lanes}`,
    workgroupSize: [workgroupSize, 1, 1],
    dispatchLayout: { x: [0, 1] },
    dispatch: [groups, 1, 1],
    getUserCode: () => wgslArithmetic + code(lanes),
  };
  const values = Object.values(uniforms).map((value) => ({ type: "float32", data: [value] }));
  return backend.runWebGPUProgram(shader, Object.values(inputs), "float32", values);
}

/** WGSL that calls `visit` with the column and what each of the logits has there, for the columns of this invocation. */
export function visitColumns(logits: readonly string[], lanes: Lanes, visit: string): string {
  const entries = logits.map((name) => `let ${name}Entry = ${name}[row * entries + i];`).join(" ");
  const values = (lane: string) => logits.map((name) => `${name}Entry${lane}`).join(", ");
  const visitLanes =
    lanes === 1
      ? `${visit}(i, ${values("")});`
      : `for (var lane = 0; lane < 4; lane++) { ${visit}(i * 4 + lane, ${values("[lane]")}); }`;
  return `{
    let entries = uniforms.${logits[0]!}Shape[1] / ${lanes};
    for (var i = tid; i < entries; i += ${workgroupSize}) {
      ${entries}
      ${visitLanes}
    }
  }`;
}

/** WGSL that leaves in `shared[0]` what `merge` makes of all invocations' `own`. */
export function reduceWorkgroup(shared: string, own: string, merge: string): string {
  return `
    ${shared}[tid] = ${own};
    workgroupBarrier();
    for (var half = ${workgroupSize / 2}; half > 0; half = half >> 1) {
      if (tid < half) { ${shared}[tid] = ${merge}(${shared}[tid], ${shared}[tid + half]); }
      workgroupBarrier();
    }`;
}

/** WGSL that declares the row and the place in its workgroup; rows beyond the last may run, and must not write. */
export const locateRow = `
    let row = index / ${workgroupSize};
    let tid = i32(localId.x);`;

/** WGSL of an elementwise `main`: `entryOf(row, column, logit of each)` everywhere. */
export function mapElements(logits: readonly string[], lanes: Lanes, entryOf: string): string {
  const values = (lane: string) => logits.map((name) => `${name}[index]${lane}`).join(", ");
  const mapLanes =
    lanes === 1
      ? `result[index] = ${entryOf}(row, column, ${values("")});`
      : `var entry = vec4<f32>(0.0f);
      for (var lane = 0; lane < 4; lane++) { entry[lane] = ${entryOf}(row, column + lane, ${values("[lane]")}); }
      result[index] = entry;`;
  return `
  fn main(index : i32) {
    if (index < uniforms.size) {
      let columns = uniforms.${logits[0]!}Shape[1];
      let row = index * ${lanes} / columns;
      let column = index * ${lanes} - row * columns;
      ${mapLanes}
    }
  }`;
}
