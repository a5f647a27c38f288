import type { WebGPUBackend } from "@tensorflow/tfjs-backend-webgpu";
import type { TensorInfo } from "@tensorflow/tfjs-core";
import { sizeOf } from "../kernels/check-inputs.ts";
import { defineElementwise, overElements } from "../kernels/elementwise.ts";
import { readerOf, wordsOf } from "./half-tensors.ts";

const expand = defineElementwise("expandHalves", () => "result[i] = wordsAt(i);", readerOf("words", true));

/** A copy in 32 bits, which the caller disposes. */
export const expandHalves = (backend: WebGPUBackend, tensor: TensorInfo): TensorInfo =>
  expand(backend, {
    constants: {},
    inputs: { words: wordsOf(tensor) },
    ...overElements(sizeOf(tensor.shape)),
    output: tensor.shape,
  });
