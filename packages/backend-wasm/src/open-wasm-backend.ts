import { ImagineOpdError } from "@imagine-opd/protocol";
import { registerCoreGradients } from "@imagine-opd/tensor-ops";
import { getThreadsCount, setWasmPaths, version_wasm } from "@tensorflow/tfjs-backend-wasm";
import { backend, env, setBackend } from "@tensorflow/tfjs-core";
import { javascriptGather } from "./javascript-gather.ts";
import { javascriptBatchMatMul } from "./javascript-matmul.ts";
import { javascriptOneHot } from "./javascript-one-hot.ts";
import { javascriptSegmentSum } from "./javascript-segment-sum.ts";
import { javascriptIdentity, javascriptSlice } from "./javascript-views.ts";
import { installKernel, restoreStockKernels, type WasmKernel } from "./kernel-registry.ts";
import { runSelfTest } from "./self-test.ts";
import { simdActivations } from "./simd-activations.ts";
import { simdAdamW } from "./simd-adamw.ts";
import { simdAttention } from "./simd-attention.ts";
import { simdDecodeLayer } from "./simd-decode-layer.ts";
import { simdBatchMatMul, simdSoftmax } from "./simd-kernels.ts";
import { simdLinear } from "./simd-linear.ts";
import { openSimdModule, type SimdModule } from "./simd-module.ts";
import { simdNorms } from "./simd-norms.ts";
import { simdRotary } from "./simd-rotary.ts";
import { simdTranspose } from "./simd-transpose.ts";
import { requireWasmInternals, type WasmInternals } from "./wasm-internals.ts";

/** Where a browser finds tfjs's two single-threaded binaries, under the names of their files. */
export interface WasmPaths {
  readonly "tfjs-backend-wasm.wasm": string;
  readonly "tfjs-backend-wasm-simd.wasm": string;
}

export interface WasmBackendOptions {
  /**
   * URLs of tfjs's binaries, or the URL of the folder that holds them (with a trailing slash). Node needs none.
   * @default the folder of the script
   */
  readonly wasmPaths?: string | WasmPaths;
  /**
   * - `fast`: our compiled SIMD kernels; the `javascript` ones where the engine has no SIMD (the report says which)
   * - `javascript`: our kernels without compiled code of our own; the softmax is tfjs's
   * - `stock`: tfjs's kernels, with only the missing UnsortedSegmentSum and a right OneHot added
   * @default "fast"
   */
  readonly kernels?: "fast" | "javascript" | "stock";
}

/** What runs. */
export interface BackendReport {
  readonly backend: "wasm";
  /** Whether tfjs's own binary is the SIMD one. */
  readonly simd: boolean;
  /** Always 1: threads made training slower when measured, and are switched off. */
  readonly threads: number;
  /** Version of tfjs-backend-wasm. */
  readonly tfjs: string;
  /** Whose kernel runs, for each kernel of tfjs that this package can replace. */
  readonly kernels: Readonly<Record<KernelName, "stock" | "javascript" | "simd">>;
  /** Names of the ops of `tensor-ops` that run as one compiled kernel; all others are composed of core ops. */
  readonly fused: readonly string[];
}

const kernelNames = [
  "BatchMatMul",
  "GatherV2",
  "Identity",
  "OneHot",
  "Slice",
  "Softmax",
  "Transpose",
  "UnsortedSegmentSum",
] as const;
type KernelName = (typeof kernelNames)[number];

let simdModule: SimdModule | undefined;

/**
 * Makes "wasm" the backend of tfjs-core, with core gradients and kernels fit for training, and tests them. May be called
 * again, also with other options.
 * @throws missing-part when the backend does not start or a kernel is missing
 * @throws mismatch when a kernel computes something wrong
 * @throws unsupported when this is not tfjs-backend-wasm 4.22, or was started with threads
 */
export async function openWasmBackend({
  wasmPaths,
  kernels = "fast",
}: WasmBackendOptions = {}): Promise<BackendReport> {
  if (!["fast", "javascript", "stock"].includes(kernels)) throw unknownKernels(kernels);
  const internals = await startBackend(wasmPaths);
  closeWasmBackend();
  const simd = (await env().getAsync("WASM_HAS_SIMD_SUPPORT")) === true;
  const chosen = await makeKernels(internals, kernels === "fast" && !simd ? "javascript" : kernels);
  for (const kernel of chosen) installKernel(internals, kernel);
  registerCoreGradients();
  try {
    await runSelfTest();
  } catch (error) {
    closeWasmBackend();
    throw error;
  }
  const forms = new Map(chosen.map(({ name, form }) => [name, form]));
  return {
    backend: "wasm",
    simd,
    threads: getThreadsCount(),
    tfjs: version_wasm,
    kernels: Object.fromEntries(
      kernelNames.map((name) => [name, forms.get(name) ?? "stock"]),
    ) as BackendReport["kernels"],
    fused: [...forms.keys()].filter((name) => name.startsWith("Opd")).sort(),
  };
}

/** Gives tfjs its own kernels back and frees our working memory. The backend stays set; gradients stay registered. */
export function closeWasmBackend(): void {
  restoreStockKernels();
  simdModule?.dispose();
  simdModule = undefined;
}

async function startBackend(wasmPaths: WasmBackendOptions["wasmPaths"]): Promise<WasmInternals> {
  if (typeof wasmPaths === "string") setWasmPaths(wasmPaths);
  else if (wasmPaths !== undefined) {
    // tfjs insists on three names; the threaded binary is never asked for.
    setWasmPaths({
      ...wasmPaths,
      "tfjs-backend-wasm-threaded-simd.wasm": wasmPaths["tfjs-backend-wasm-simd.wasm"],
    });
  }
  env().set("WASM_HAS_MULTITHREAD_SUPPORT", false);
  if (!(await setBackend("wasm"))) {
    throw new ImagineOpdError("missing-part", {
      where: "backend-wasm.openWasmBackend",
      problem: "tfjs could not start its wasm backend (the console has its reason).",
      remedy: "In a browser, pass `wasmPaths` with URLs under which tfjs-backend-wasm's .wasm files are served.",
    });
  }
  return requireWasmInternals(backend());
}

async function makeKernels(
  internals: WasmInternals,
  kernels: "fast" | "javascript" | "stock",
): Promise<readonly WasmKernel[]> {
  const mended = [javascriptSegmentSum(internals), javascriptOneHot(internals)];
  if (kernels === "stock") return mended;
  const rows = [...mended, javascriptGather(internals), javascriptIdentity(internals), javascriptSlice(internals)];
  if (kernels === "javascript") return [...rows, javascriptBatchMatMul(internals)];
  simdModule = await openSimdModule(internals);
  return [
    ...rows,
    simdBatchMatMul(internals, simdModule),
    simdSoftmax(internals, simdModule),
    simdTranspose(internals, simdModule),
    simdLinear(internals, simdModule),
    ...simdNorms(internals, simdModule),
    ...simdActivations(internals, simdModule),
    ...simdRotary(internals, simdModule),
    ...simdAttention(internals, simdModule),
    simdDecodeLayer(internals, simdModule),
    simdAdamW(internals, simdModule),
  ];
}

function unknownKernels(kernels: string): ImagineOpdError {
  return new ImagineOpdError("invalid-argument", {
    where: "backend-wasm.openWasmBackend",
    problem: `\`kernels\` must be "fast", "javascript" or "stock", got ${JSON.stringify(kernels)}.`,
  });
}
