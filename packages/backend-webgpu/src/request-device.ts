import { ImagineOpdError } from "@imagine-opd/protocol";
import { type AdapterDescription, describeAdapter } from "./adapter-description.ts";
import type { GpuSource } from "./find-gpu.ts";

const limitNames = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
  "maxComputeWorkgroupSizeY",
  "maxComputeWorkgroupSizeZ",
  "maxComputeWorkgroupsPerDimension",
] as const;

/** Limits that are asked for as high as the adapter has them. */
export type DeviceLimits = Readonly<Record<(typeof limitNames)[number], number>>;

/** Asked for where the adapter has them. The last is for tfjs's drawing. */
const wantedFeatures = ["shader-f16", "subgroups", "timestamp-query", "bgra8unorm-storage"] as const;

/** A device, and what is known of the adapter that it came from. */
export interface OpenedDevice {
  readonly device: GPUDevice;
  readonly info: GPUAdapterInfo;
  readonly adapter: AdapterDescription;
  readonly features: readonly string[];
  readonly limits: DeviceLimits;
}

export interface DeviceRequest {
  readonly softwareAdapter: "allow" | "refuse";
  readonly limits: Partial<DeviceLimits>;
}

/**
 * A device with the adapter's limits and the wanted features.
 * @throws missing-part when there is no adapter, only a refused one, or it gives no device
 * @throws invalid-argument when a limit is asked for that the adapter does not have
 */
export async function requestDevice(
  { gpu, provider }: Pick<GpuSource, "gpu" | "provider">,
  { softwareAdapter, limits }: DeviceRequest,
  where: string,
): Promise<OpenedDevice> {
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (adapter === null) throw noAdapter(where, provider);
  const description = describeAdapter(adapter);
  if (description.software && softwareAdapter === "refuse") throw softwareRefused(where, description);
  const requiredLimits = Object.fromEntries(
    limitNames.map((name) => [name, chooseLimit(name, adapter.limits[name], limits[name], where)]),
  );
  const requiredFeatures = wantedFeatures.filter((feature) => adapter.features.has(feature));
  const device = await adapter.requestDevice({ requiredFeatures, requiredLimits }).catch((cause: unknown) => {
    throw noDevice(where, provider, description, cause);
  });
  return {
    device,
    info: adapter.info,
    adapter: description,
    features: requiredFeatures,
    limits: Object.fromEntries(limitNames.map((name) => [name, device.limits[name]])) as DeviceLimits,
  };
}

function chooseLimit(name: string, offered: number, asked: number | undefined, where: string): number {
  if (asked === undefined) return offered;
  if (Number.isInteger(asked) && asked > 0 && asked <= offered) return asked;
  throw new ImagineOpdError("invalid-argument", {
    where,
    problem: `\`limits.${name}\` must be a whole number from 1 to the adapter's ${offered}, got ${asked}.`,
    details: { name, offered, asked },
  });
}

const noAdapterRemedies = {
  host: "Update the browser, and switch on hardware acceleration (its system settings) and WebGPU; chrome://gpu and about:support say why there is none.",
  dawn: "On Linux, install the Vulkan loader and the card's driver, and name the driver's file in VK_DRIVER_FILES if it is not found; elsewhere, update the card's driver.",
} as const satisfies Record<GpuSource["provider"], string>;

function noAdapter(where: string, provider: GpuSource["provider"]): ImagineOpdError {
  return new ImagineOpdError("missing-part", {
    where,
    problem: "WebGPU is there, and it found no adapter.",
    remedy: noAdapterRemedies[provider],
    details: { provider },
  });
}

function softwareRefused(where: string, adapter: AdapterDescription): ImagineOpdError {
  const name = adapter.description || adapter.architecture || adapter.vendor;
  return new ImagineOpdError("missing-part", {
    where,
    problem: `the only adapter is a software one (${name}), and \`softwareAdapter\` is "refuse".`,
    remedy: 'Take @imagine-opd/backend-wasm, which is faster on a CPU, or pass softwareAdapter: "allow".',
    details: { adapter },
  });
}

function noDevice(
  where: string,
  provider: GpuSource["provider"],
  adapter: AdapterDescription,
  cause: unknown,
): ImagineOpdError {
  return new ImagineOpdError("missing-part", {
    where,
    problem: `the adapter gave no device: ${cause instanceof Error ? cause.message : String(cause)}`,
    remedy: `Close other programs that use the GPU${provider === "host" ? ", or restart the browser" : ""}.`,
    details: { adapter },
    cause,
  });
}
