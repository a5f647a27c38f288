export { type ImageSettings, readImageSettings } from "./config/image-settings.ts";
export {
  type ModelConfig,
  readModelConfig,
  type TextConfig,
  tokensPerTile,
  type VisionConfig,
} from "./config/model-config.ts";
export { type DescribedAdapter, describeAdapters } from "./describe-adapters.ts";
export type { Recompute } from "./model/run-layers.ts";
export { type FrozenStorage, type OpenModelOptions, openModel, type VisionLanguageModel } from "./open-model.ts";
export { openProcessor, type ProcessorOptions, type VisionLanguageProcessor } from "./processor/processor.ts";
export { type RandomWeightsOptions, writeRandomWeights } from "./random-weights.ts";
export { type SaveOptions, saveAdapter, saveCheckpoint } from "./save-model.ts";
export type { Trainable } from "./trainable.ts";
