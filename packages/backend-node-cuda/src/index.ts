export type { BackendReport, NodeDevice } from "./backend-report.ts";
export { findAddon, type LocatedAddon } from "./locate-addon.ts";
export { type NodeBackendOptions, openNodeBackend } from "./open-node-backend.ts";
