export { type Choice, chooseOption } from "./choose-option.ts";
export { type EvaluationEvent, type EvaluationOptions, evaluate, streamEvaluation } from "./evaluate.ts";
export { blankImage, evaluationMessages } from "./evaluation-messages.ts";
export {
  type Accuracy,
  type EvaluationMode,
  type EvaluationReport,
  type EvaluationSample,
  type EvaluationSummary,
  type FirstTurn,
  summarizeSamples,
} from "./evaluation-report.ts";
export { type Grade, gradeAnswer, type ReferenceAnswer } from "./grade-answer.ts";
export { normalizeAnswer } from "./normalize-answer.ts";
export { readRegions, type ZoomWords } from "./read-regions.ts";
export { type Interval, wilsonInterval } from "./wilson-interval.ts";
export type { ZoomOptions } from "./zoom-turns.ts";
