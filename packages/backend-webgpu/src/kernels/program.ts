import { ImagineOpdError } from "@imagine-opd/protocol";
import type { WebGPUBackend, WebGPUProgram } from "@tensorflow/tfjs-backend-webgpu";
import type { TensorInfo } from "@tensorflow/tfjs-core";
import { limitsOf } from "../large-tensors/row-windows.ts";
import { sizeOf } from "./check-inputs.ts";

/** A WGSL computation and what its text depends on. */
export interface ProgramDefinition<Constants extends object> {
  readonly name: string;
  /** Invocations of a workgroup. */
  readonly workgroupSize: number | ((constants: Constants) => number);
  /**
   * WGSL with a function `compute(group : i32, thread : i32)`: the number of the workgroup and of the invocation in it.
   * Inputs are flat arrays under their names, numbers are `uniforms.NAME`, and `result` is the output, flat too. Groups
   * beyond the last may run: guard writes. A pure function of the constants, which are therefore the key of the shader.
   */
  readonly code: (constants: Constants) => string;
}

/** One run of a program. */
export interface Dispatch<Constants extends object> {
  readonly constants: Constants;
  /** At most 7, each used by the code. */
  readonly inputs: Readonly<Record<string, TensorInfo>>;
  readonly integers?: Readonly<Record<string, number>>;
  readonly floats?: Readonly<Record<string, number>>;
  readonly workgroups: number;
  /** Shape of a new float32 tensor, or the tensor that is written to in place. */
  readonly output: readonly number[] | TensorInfo;
}

export type Program<Constants extends object> = (backend: WebGPUBackend, dispatch: Dispatch<Constants>) => TensorInfo;

const flat = (tensor: TensorInfo): TensorInfo => ({ ...tensor, shape: [sizeOf(tensor.shape)] });

/** One program as tfjs runs it. It caches pipelines by `shaderKey`. */
class WgslProgram implements WebGPUProgram {
  readonly variableNames: string[];
  readonly uniforms: string;
  readonly dispatchLayout = { x: [0] };
  shaderKey: string;
  dispatch: [number, number, number];

  constructor(
    readonly outputShape: number[],
    readonly workgroupSize: [number, number, number],
    { name, code }: Pick<ProgramDefinition<object>, "name" | "code">,
    { constants, inputs, integers = {}, floats = {}, workgroups }: Dispatch<object>,
  ) {
    this.variableNames = Object.keys(inputs);
    const fields = [
      ...Object.keys(integers).map((name) => `${name} : i32`),
      ...Object.keys(floats).map((name) => `${name} : f32`),
    ];
    this.uniforms = fields.map((field) => `${field}, `).join("");
    this.shaderKey = `imagineOpd ${name} ${JSON.stringify(constants)} ${this.uniforms}`;
    this.dispatch = [workgroups, 1, 1];
    this.getUserCode = () => `
      ${code(constants)}
      fn main(index : i32) { compute(index / ${workgroupSize[0]}, i32(localIndex)); }`;
  }

  readonly getUserCode: () => string;
}

/** Returns the function that runs a program, with every tensor seen flat so that ranks make no further shaders. */
export function defineProgram<Constants extends object>(definition: ProgramDefinition<Constants>): Program<Constants> {
  const { name, workgroupSize } = definition;
  return (backend, dispatch) => {
    const { constants, inputs, integers = {}, floats = {}, output } = dispatch;
    const threads = typeof workgroupSize === "number" ? workgroupSize : workgroupSize(constants);
    const result = "dataId" in output ? output : backend.makeTensorInfo([...output], "float32");
    const given = Object.values(inputs);
    for (const tensor of [...given, result]) requireBindable(backend, name, tensor);
    const program = new WgslProgram(
      [sizeOf(result.shape)],
      [threads, 1, 1],
      definition as unknown as ProgramDefinition<object>,
      dispatch,
    );
    const numbers = [
      ...Object.values(integers).map((value) => ({ type: "int32", data: [value] })),
      ...Object.values(floats).map((value) => ({ type: "float32", data: [value] })),
    ];
    backend.runWebGPUProgram(program, given.map(flat), "float32", numbers, flat(result));
    return result;
  };
}

/** A buffer above the device's limit would silently read as zeros. */
function requireBindable(backend: WebGPUBackend, name: string, { shape }: TensorInfo): void {
  const bytes = 4 * sizeOf(shape);
  const { binding: limit } = limitsOf(backend);
  if (bytes <= limit) return;
  throw new ImagineOpdError("limit-exceeded", {
    where: `backend-webgpu.${name}`,
    problem: `a tensor of shape [${shape}] takes ${bytes} bytes, and this device binds at most ${limit}.`,
    remedy: "Use smaller batches or shorter sequences.",
    details: { bytes, limit },
  });
}
