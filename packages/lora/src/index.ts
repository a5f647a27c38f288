export type { Adapter, AdapterConfig, AdapterModule, ReplacedWeight } from "./adapter.ts";
export { type CreateAdapterOptions, createAdapter, type LinearLayer } from "./create-adapter.ts";
export { deltaOf } from "./delta-of.ts";
export { matchModules } from "./match-modules.ts";
export { type ReadAdapterOptions, readAdapter } from "./read-adapter.ts";
export { type WriteAdapterOptions, writeAdapter } from "./write-adapter.ts";
