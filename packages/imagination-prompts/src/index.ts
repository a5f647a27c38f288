export { type DetectLeaksOptions, detectLeaks, type Leak } from "./detect-leaks.ts";
export { fingerprintTemplates } from "./fingerprint-templates.ts";
export { type FormatMetrics, type FormatMetricsOptions, formatMetrics } from "./format-metrics.ts";
export { type ParsedAnswer, parseAnswer } from "./parse-answer.ts";
export { type Move, type MoveKind, parseTrajectory, type Trajectory } from "./parse-trajectory.ts";
export { type PromptTemplate, type PromptTemplates, renderTemplate } from "./prompt-template.ts";
export { promptTemplates } from "./prompt-templates.ts";
export { type DirectMessageOptions, directMessages, rawMessages } from "./question-messages.ts";
export { type StudentMessageOptions, studentMessages } from "./student-messages.ts";
export {
  type PrivilegedQuestion,
  type Reveal,
  type TeacherMessageOptions,
  teacherMessages,
} from "./teacher-messages.ts";
export { type Choice, imageMarker, type VisualQuestion } from "./visual-question.ts";
export { type ExampleCopyOptions, exampleCopyRate, type RepetitionOptions, repetitionRate } from "./word-overlap.ts";
