import { ImagineOpdError } from "@imagine-opd/protocol";
import {
  getKernel,
  getKernelsForBackend,
  type KernelConfig,
  type KernelFunc,
  type NamedAttrMap,
  type NamedTensorInfoMap,
  registerKernel,
  type TensorInfo,
  unregisterKernel,
} from "@tensorflow/tfjs-core";
import type { WasmInternals } from "./wasm-internals.ts";

const backendName = "wasm";

/** On a kernel of ours: the kernel that stood there before, or `undefined`. A shared symbol, so that copies of this package agree. */
const replaced = Symbol.for("@imagine-opd/backend-wasm/replaced");

interface ReplacingConfig extends KernelConfig {
  readonly [replaced]: KernelConfig | undefined;
}

/** A kernel of this package, made for one backend object. */
export interface WasmKernel {
  readonly name: string;
  /** Which of our two forms it is. */
  readonly form: "javascript" | "simd";
  readonly run: (inputs: NamedTensorInfoMap, attributes: NamedAttrMap) => TensorInfo | TensorInfo[];
}

const isOurs = (config: KernelConfig | undefined): config is ReplacingConfig =>
  config !== undefined && replaced in config;

/** The kernel of tfjs under this name, whether or not one of ours stands before it. */
function stockKernel(name: string): KernelConfig | undefined {
  const config = getKernel(name, backendName);
  return isOurs(config) ? config[replaced] : config;
}

/** The function of tfjs's kernel, for kernels of ours that call it. */
export function requireStockKernel(name: string): KernelFunc {
  return stockKernel(name)?.kernelFunc ?? refuseMissing(name);
}

/** @throws missing-part, by the kernel's name */
export function refuseMissing(kernel: string): never {
  throw new ImagineOpdError("missing-part", {
    where: "backend-wasm.openWasmBackend",
    problem: `the kernel ${kernel} is not registered for the wasm backend.`,
    remedy: 'Import "@tensorflow/tfjs-backend-wasm" 4.22.0 whole, with all of its kernels.',
    details: { kernel },
  });
}

/** Puts a kernel of ours before tfjs's kernel of the same name. */
export function installKernel(backend: WasmInternals, { name, run }: WasmKernel): void {
  const stock = stockKernel(name);
  if (getKernel(name, backendName) !== undefined) unregisterKernel(name, backendName);
  const config: ReplacingConfig = {
    kernelName: name,
    backendName,
    // tfjs calls it when the backend starts anew, and the stock kernel behind ours needs it then.
    setupFunc: stock?.setupFunc,
    disposeFunc: stock?.disposeFunc,
    kernelFunc: ({ inputs, attrs, backend: caller }) => {
      if (caller !== backend) throw backendReplaced(name);
      return run(inputs, attrs ?? {});
    },
    [replaced]: stock,
  };
  registerKernel(config);
}

/** Gives every name that a kernel of ours took back to the kernel that stood there. */
export function restoreStockKernels(): void {
  for (const config of getKernelsForBackend(backendName).filter(isOurs)) {
    unregisterKernel(config.kernelName, backendName);
    if (config[replaced] !== undefined) registerKernel(config[replaced]);
  }
}

function backendReplaced(name: string): ImagineOpdError {
  return new ImagineOpdError("disposed", {
    where: `backend-wasm.${name}`,
    problem: "the kernel belongs to a wasm backend that was removed since.",
    remedy: "Call openWasmBackend again after tf.removeBackend.",
  });
}
