export { type AdamWScalars, type AdamWTensors, adamWUpdate } from "./adamw-update.ts";
export { attention } from "./attention.ts";
export { registerCoreGradients } from "./core-gradients.ts";
export {
  type DecodeLayerWeights,
  type DecodePosition,
  decodeLayer,
  type GrowingCache,
  padBias,
} from "./decode-layer.ts";
export { defineKernel, type KernelDefinition } from "./define-kernel.ts";
export { defineOp, type OpDefinition } from "./define-op.ts";
export { geluTanh } from "./gelu.ts";
export { layerNorm } from "./layer-norm.ts";
export { linear } from "./linear.ts";
export { recompute } from "./recompute.ts";
export { rmsNorm } from "./rms-norm.ts";
export { rotary } from "./rotary.ts";
export { storeHalf } from "./store-half.ts";
export { swiGlu } from "./swi-glu.ts";
export { takeRows } from "./take-rows.ts";
export { isTapeRecording, withTapeSetAside } from "./tape.ts";
