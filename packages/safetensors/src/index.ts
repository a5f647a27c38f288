export type { Dtype } from "./dtype.ts";
export { encodeFloat32 } from "./encode-float32.ts";
export type { TensorToWrite } from "./lay-out.ts";
export { type OpenCheckpointOptions, openCheckpoint } from "./open-checkpoint.ts";
export { openSafetensors } from "./open-safetensors.ts";
export type { StoredTensor, TensorEntry, TensorFile } from "./tensor-file.ts";
export { toFloat32 } from "./to-float32.ts";
export { type WriteCheckpointOptions, writeCheckpoint } from "./write-checkpoint.ts";
export { writeSafetensors } from "./write-safetensors.ts";
