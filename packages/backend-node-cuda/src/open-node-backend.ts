import { ImagineOpdError } from "@imagine-opd/protocol";
import { registerCoreGradients } from "@imagine-opd/tensor-ops";
import { findBackendFactory, registerBackend, setBackend, version_core } from "@tensorflow/tfjs-core";
import type { BackendReport, NodeDevice } from "./backend-report.ts";
import type { Binding } from "./binding.ts";
import { installKernels } from "./install-kernels.ts";
import { loadAddon } from "./load-addon.ts";
import { loadKernels } from "./load-kernels.ts";
import { type LocatedAddon, locateAddon, tfjsVersion } from "./locate-addon.ts";
import { measureProducts } from "./measure-products.ts";
import { prepareEnvironment } from "./prepare-environment.ts";
import { runSelfTest } from "./self-test.ts";

export interface NodeBackendOptions {
  /** What must compute. There is no falling back from `cuda` to `cpu`. */
  readonly device: NodeDevice;
  /**
   * Path of a `tfjs_binding.node` to load.
   * @default what `setup` built for the device, else the addon of the installed tfjs-node-gpu or tfjs-node
   */
  readonly addon?: string;
  /**
   * Whether CUDA may round the operands of matrix products to TF32 (10 bits of mantissa): several times faster on cards that
   * have it, and off by about 1e-3. Without meaning on a CPU.
   * @default "off"
   */
  readonly tf32?: "on" | "off";
}

const where = "backend-node-cuda.openNodeBackend";

interface LoadedLibrary {
  readonly located: LocatedAddon;
  readonly binding: Binding;
  readonly tf32: "on" | "off";
}

/** A process loads TensorFlow once, however many copies of this package it has. */
const loadedKey = Symbol.for("@imagine-opd/backend-node-cuda/loaded");
const processWide = globalThis as { [loadedKey]?: LoadedLibrary };

/**
 * Makes "tensorflow" the backend of tfjs-core on the device asked for, with core gradients and our kernels, and tests it. May
 * be called again with the same choice; another one needs a new process, since TensorFlow reads its settings once.
 * @throws missing-part when there is no addon for the device or it does not load
 * @throws mismatch when TensorFlow computes on another device, rounds products that it should not, or computes something wrong
 * @throws unsupported when something else registered the backend, or the versions do not fit
 */
export async function openNodeBackend({ device, addon, tf32 = "off" }: NodeBackendOptions): Promise<BackendReport> {
  if (device !== "cuda" && device !== "cpu") throw wrongOption("device", '"cuda" or "cpu"', device);
  if (tf32 !== "on" && tf32 !== "off") throw wrongOption("tf32", '"on" or "off"', tf32);
  processWide[loadedKey] ??= loadLibrary({ device, tf32, ...(addon !== undefined && { addon }) });
  const loaded = processWide[loadedKey];
  checkSameChoice(loaded, { device, tf32, addon });
  checkDevice(loaded, device);
  if (!(await setBackend("tensorflow"))) throw notStarted(loaded);
  registerCoreGradients();
  const kernels = installKernels();
  await runSelfTest();
  const products = await measureProducts();
  if (products === "tf32" && (device === "cpu" || tf32 === "off")) throw roundsAnyway(device);
  const { located, binding } = loaded;
  return {
    backend: "tensorflow",
    device,
    tensorflow: binding.TF_Version,
    tfjs: tfjsVersion,
    addon: located.addon,
    source: located.source,
    products,
    kernels,
  };
}

function loadLibrary({ device, addon, tf32 = "off" }: NodeBackendOptions): LoadedLibrary {
  if (version_core !== tfjsVersion) {
    throw new ImagineOpdError("unsupported", {
      where,
      problem: `this needs tfjs-core ${tfjsVersion}, and it is ${version_core}.`,
      remedy: `npm i @tensorflow/tfjs-core@${tfjsVersion}`,
    });
  }
  if (findBackendFactory("tensorflow") !== null) {
    throw new ImagineOpdError("unsupported", {
      where,
      problem: 'something else registered the backend "tensorflow" before.',
      remedy: "Do not import @tensorflow/tfjs-node or @tensorflow/tfjs-node-gpu yourself: openNodeBackend loads them.",
    });
  }
  const located = locateAddon(device, addon);
  prepareEnvironment({ device, tf32 });
  const binding = loadAddon(located.addon);
  const Backend = loadKernels(located.package);
  const packageName = device === "cuda" ? "@tensorflow/tfjs-node-gpu" : "@tensorflow/tfjs-node";
  registerBackend("tensorflow", () => new Backend(binding, packageName), 3);
  return { located, binding, tf32 };
}

/** Refuses what would need TensorFlow to be loaded anew. */
function checkSameChoice({ located, tf32: was }: LoadedLibrary, { device, tf32, addon }: NodeBackendOptions): void {
  const other = addon !== undefined && locateAddon(device, addon).addon !== located.addon;
  if (!other && (device === "cpu" || located.device === "cpu" || tf32 === was)) return;
  throw new ImagineOpdError("unsupported", {
    where,
    problem: other
      ? `this process has loaded ${located.addon} already.`
      : `this process has loaded TensorFlow with TF32 ${was} already.`,
    remedy: "Start a new process.",
  });
}

function checkDevice({ located, binding }: LoadedLibrary, device: NodeDevice): void {
  const using = binding.isUsingGpuDevice() ? "cuda" : "cpu";
  if (using === device) return;
  throw new ImagineOpdError("mismatch", {
    where,
    problem: `the device asked for is "${device}", and TensorFlow ${binding.TF_Version} (${located.addon}) computes on "${using}".`,
    remedy:
      device === "cpu"
        ? "Hide the cards before Node starts: CUDA_VISIBLE_DEVICES=-1"
        : "Check that nvidia-smi lists a card, that TensorFlow is a CUDA build, and that CUDA's libraries were in LD_LIBRARY_PATH when Node started (setup prints the line to use); TF_CPP_MIN_LOG_LEVEL=0 makes TensorFlow say what it misses.",
    details: { asked: device, using, addon: located.addon, tensorflow: binding.TF_Version },
  });
}

function notStarted({ located }: LoadedLibrary): ImagineOpdError {
  return new ImagineOpdError("missing-part", {
    where,
    problem: `tfjs could not start its backend on ${located.addon} (the console has its reason).`,
    remedy: "Run setup again.",
  });
}

function roundsAnyway(device: NodeDevice): ImagineOpdError {
  return new ImagineOpdError("mismatch", {
    where,
    problem: `matrix products on "${device}" round their operands to TF32, though it is off.`,
    remedy: 'Start Node with NVIDIA_TF32_OVERRIDE=0, or pass tf32: "on".',
  });
}

function wrongOption(name: string, expected: string, got: unknown): ImagineOpdError {
  return new ImagineOpdError("invalid-argument", {
    where,
    problem: `\`${name}\` must be ${expected}, got ${JSON.stringify(got)}.`,
  });
}
