export { type CheckedRegions, checkRegions } from "./check-regions.ts";
export { generateScene, questionOf } from "./generate-scene.ts";
export { type ReadVisualCotOptions, readVisualCot, type VisualCotReport } from "./read-visual-cot.ts";
export type {
  BoxFault,
  CoordinateSpace,
  DroppedRegion,
  ImageReference,
  PrecomputedView,
  RecordAnswer,
  Region,
  RegionRecord,
} from "./region-record.ts";
export {
  type ColumnWord,
  columnWords,
  type RowWord,
  rowWords,
  type Scene,
  type SceneFamily,
  type SceneOptions,
  type SceneSplit,
  type Sign,
  type SignColour,
  type SignShape,
  sceneFamilies,
  signColours,
  signShapes,
} from "./scene.ts";
export { toVisualCotLine } from "./visual-cot-line.ts";
export type { VisualCotForm } from "./visual-cot-row.ts";
