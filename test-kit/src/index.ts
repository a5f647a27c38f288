export { checkGradient, waves } from "./check-gradient.ts";
export {
  type DecodeSizes,
  decodeExample,
  decodePads,
  decodeRows,
  decodeThreeSteps,
  decodeWeights,
  expectMisfitsRefused,
  filledCache,
  plainPosition,
  unevenPads,
} from "./decode-layer.ts";
export { drawnNumbers, drawnTensor } from "./drawn-tensor.ts";
export { type GoldenTensor, goldenPath, readGoldenJson, readGoldenTensors } from "./goldens.ts";
export { type MemoryFiles, memoryFiles } from "./memory-files.ts";
export { createToyPolicy, type ToyPolicyOptions, toyPrompt } from "./toy-policy.ts";
export { createToyProcessor, plainImage } from "./toy-processor.ts";
