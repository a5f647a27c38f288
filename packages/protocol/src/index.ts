export * from "./error.ts";
export * from "./example.ts";
export * from "./files.ts";
export * from "./image.ts";
export * from "./message.ts";
export * from "./processor.ts";
export * from "./rollout.ts";
