export {
  type BackendReport,
  closeWasmBackend,
  openWasmBackend,
  type WasmBackendOptions,
  type WasmPaths,
} from "./open-wasm-backend.ts";
