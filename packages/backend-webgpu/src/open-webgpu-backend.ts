import { registerWebgpuKernels } from "@imagine-opd/distillation-loss/webgpu";
import { ImagineOpdError } from "@imagine-opd/protocol";
import { registerCoreGradients } from "@imagine-opd/tensor-ops";
import {
  env,
  findBackendFactory,
  registerBackend,
  removeBackend,
  setBackend,
  version_core,
} from "@tensorflow/tfjs-core";
import type { AdapterDescription } from "./adapter-description.ts";
import { type DeviceLoss, DeviceWatch } from "./device-watch.ts";
import { findGpu, type GpuSource, withNavigatorGpu } from "./find-gpu.ts";
import { GuardedBackend } from "./guarded-backend.ts";
import { registerFusedKernels } from "./kernels/index.ts";
import { registerLargeForms } from "./large-tensors/index.ts";
import { type DeviceLimits, requestDevice } from "./request-device.ts";
import { runSelfTest } from "./self-test.ts";

export interface WebgpuBackendOptions {
  /**
   * Whether a CPU may play the part of the GPU, as SwiftShader and lavapipe do: right numbers, slower than WebAssembly.
   * @default "allow"
   */
  readonly softwareAdapter?: "allow" | "refuse";
  /**
   * Limits of the device in the units of WebGPU, at most the adapter's; to find out here what happens on smaller devices.
   * @default the adapter's
   */
  readonly limits?: Partial<DeviceLimits>;
  /** Called once when the device is lost. Every operation on it throws from then on (see {@link isDeviceLostError}). */
  readonly onDeviceLost?: (loss: DeviceLoss) => void;
}

/** What runs. */
export interface WebgpuReport {
  readonly backend: "webgpu";
  /** Who provides WebGPU: the browser, or Dawn in Node. */
  readonly provider: "host" | "dawn";
  readonly adapter: AdapterDescription;
  /** Features that the device has out of those that kernels could use. */
  readonly features: readonly string[];
  readonly limits: DeviceLimits;
  /** Version of tfjs-core. */
  readonly tfjs: string;
  /** Names of the ops of `tensor-ops` and `distillation-loss` that run as one kernel; all others are composed of core ops. */
  readonly fused: readonly string[];
}

const where = "backend-webgpu.openWebgpuBackend";

interface OpenBackend {
  readonly device: GPUDevice;
  readonly watch: DeviceWatch;
  readonly source: GpuSource;
  /** What was registered and set before. */
  readonly stock: ReturnType<typeof findBackendFactory>;
  readonly cpuForward: boolean;
}

let opened: OpenBackend | undefined;
let lastOptions: WebgpuBackendOptions = {};

/**
 * Makes "webgpu" the backend of tfjs-core on a device of its own, with core gradients and fused kernels, and tests it. What
 * was open before is closed, and tensors of its device are gone.
 * @throws missing-part when there is no WebGPU, no adapter, only a software one that is refused, or no device
 * @throws mismatch when a kernel computes something wrong
 * @throws unsupported when the device refuses a shader
 */
export async function openWebgpuBackend(options: WebgpuBackendOptions = {}): Promise<WebgpuReport> {
  const { softwareAdapter = "allow", limits = {}, onDeviceLost } = options;
  if (softwareAdapter !== "allow" && softwareAdapter !== "refuse") throw unknownChoice(softwareAdapter);
  closeWebgpuBackend();
  lastOptions = options;
  const source = await findGpu(where);
  try {
    const { device, info, ...found } = await requestDevice(source, { softwareAdapter, limits }, where);
    const watch = new DeviceWatch(device, onDeviceLost);
    const stock = findBackendFactory("webgpu");
    if (stock !== null) removeBackend("webgpu");
    registerBackend("webgpu", () => withNavigatorGpu(source.gpu, () => new GuardedBackend(device, info, watch)), 3);
    opened = { device, watch, source, stock, cpuForward: env().getBool("WEBGPU_CPU_FORWARD") };
    if (!(await setBackend("webgpu"))) throw notStarted();
    // Small operations would run on the CPU, and slowly: nothing of a training step is worth that.
    env().set("WEBGPU_CPU_FORWARD", false);
    registerCoreGradients();
    registerLargeForms();
    const fused = [...registerFusedKernels(), ...registerWebgpuKernels()];
    await runSelfTest();
    const { provider } = source;
    return { backend: "webgpu", provider, ...found, tfjs: version_core, fused: fused.sort() };
  } catch (error) {
    if (opened === undefined) source.release();
    closeWebgpuBackend();
    throw error;
  }
}

/** Opens the backend once more with the options of the last time: what to do after the device was lost. */
export function reopenWebgpuBackend(): Promise<WebgpuReport> {
  return openWebgpuBackend(lastOptions);
}

/** Removes the backend and destroys its device. Tensors on it are gone; gradients and kernels stay registered. */
export function closeWebgpuBackend(): void {
  if (opened === undefined) return;
  const { device, watch, source, stock, cpuForward } = opened;
  opened = undefined;
  watch.end();
  if (findBackendFactory("webgpu") !== null) removeBackend("webgpu");
  if (stock !== null) registerBackend("webgpu", stock, 3);
  env().set("WEBGPU_CPU_FORWARD", cpuForward);
  device.destroy();
  source.release();
}

function notStarted(): ImagineOpdError {
  return new ImagineOpdError("missing-part", {
    where,
    problem: "tfjs could not start its WebGPU backend (the console has its reason).",
    remedy: "Check that tfjs-core and tfjs-backend-webgpu are 4.22.0.",
  });
}

function unknownChoice(softwareAdapter: unknown): ImagineOpdError {
  return new ImagineOpdError("invalid-argument", {
    where,
    problem: `\`softwareAdapter\` must be "allow" or "refuse", got ${JSON.stringify(softwareAdapter)}.`,
  });
}
