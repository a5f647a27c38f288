export { registerCoreGradients } from "./core-gradients.ts";
export { defineOp, type OpDefinition } from "./define-op.ts";
