export type { AdapterDescription } from "./adapter-description.ts";
export { type DeviceLoss, isDeviceLostError } from "./device-watch.ts";
export {
  closeWebgpuBackend,
  openWebgpuBackend,
  reopenWebgpuBackend,
  type WebgpuBackendOptions,
  type WebgpuReport,
} from "./open-webgpu-backend.ts";
export type { DeviceLimits } from "./request-device.ts";
