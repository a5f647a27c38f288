export { type BackendName, backendNames, type OpenedBackend, openBackend } from "./backend.ts";
export { copyCheckpointPrompts, promptsFile, readCheckpointPrompts } from "./checkpoint-prompts.ts";
export { chooseCrop, type ViewOptions } from "./choose-crop.ts";
export { createControlledSource, viewControls } from "./controlled-source.ts";
export { interruptSignal } from "./interrupt.ts";
export { type OpenCheckpointOptions, openCheckpointDirectory, requireDirectory } from "./open-checkpoint.ts";
export {
  countReasons,
  type DataSetOptions,
  dataFormats,
  loadExample,
  type OpenedDataSet,
  openDataSet,
} from "./open-data-set.ts";
export { collect, integer, number } from "./option-values.ts";
export { createProgress, formatDuration, type Progress } from "./progress.ts";
export { addConfigOption } from "./read-config-file.ts";
export { exitCodes, runProgram } from "./run-program.ts";
export { createSceneSource, cutViews, type SceneSet, type SceneSource } from "./scene-source.ts";
