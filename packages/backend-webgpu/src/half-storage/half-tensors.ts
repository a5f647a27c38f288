import { ImagineOpdError } from "@imagine-opd/protocol";
import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import type { TensorInfo } from "@tensorflow/tfjs-core";
import { sizeOf } from "../kernels/check-inputs.ts";

/** What is added to the entry of a tensor whose words, int32 for tfjs, are pairs of 16-bit floats. */
interface HalfEntry {
  /** How many floats there are. */
  halves?: number;
}

const entryOf = (backend: WebGPUBackend, dataId: object): HalfEntry => backend.tensorMap.get(dataId) as HalfEntry;

/** A backend that gives programs float32 where they do not ask for the words themselves. */
export interface HalfBackend extends WebGPUBackend {
  readonly expandsHalves: true;
}

/** @throws unsupported when programs of this backend would read words as numbers */
export function requireHalfBackend(backend: WebGPUBackend): void {
  if ("expandsHalves" in backend) return;
  throw new ImagineOpdError("unsupported", {
    where: "backend-webgpu.storeHalf",
    problem: "tfjs's own WebGPU backend is in use, which knows no 16-bit floats.",
    remedy: "Call openWebgpuBackend first.",
  });
}

/** Declares words to be pairs of 16-bit floats. @returns a float32 tensor of this shape in the same memory */
export function asHalves(backend: WebGPUBackend, { dataId }: TensorInfo, shape: readonly number[]): TensorInfo {
  entryOf(backend, dataId).halves = sizeOf(shape);
  return { dataId, shape: [...shape], dtype: "float32" };
}

/** Whether this is a float32 tensor whose memory holds 16-bit floats; {@link wordsOf} it is none. */
export const isHalf = (backend: WebGPUBackend, { dataId, dtype }: TensorInfo): boolean =>
  dtype === "float32" && entryOf(backend, dataId).halves !== undefined;

/** All that is in this memory as one float32 vector of 16-bit floats, if that is what there is. */
export function halvesIn(backend: WebGPUBackend, dataId: object): TensorInfo | undefined {
  const { halves } = entryOf(backend, dataId);
  return halves === undefined ? undefined : { dataId, shape: [halves], dtype: "float32" };
}

/** The memory as it is, two numbers in a word: the only view through which programs read it themselves. */
export const wordsOf = ({ dataId, shape }: TensorInfo): TensorInfo => ({
  dataId,
  shape: [Math.ceil(sizeOf(shape) / 2)],
  dtype: "int32",
});

/** WGSL of `NAMEAt(i)`, the i-th number of an input that holds float32, or words of 16-bit floats. */
export const readerOf = (name: string, halves: boolean): string =>
  `fn ${name}At(i : i32) -> f32 {
    return ${halves ? `unpack2x16float(bitcast<u32>(${name}[i / 2]))[i % 2]` : `${name}[i]`};
  }`;
