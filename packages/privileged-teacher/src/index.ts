export type { PrivilegedQuestion, Reveal } from "@imagine-opd/imagination-prompts";
export { studentPrompt, teacherPrompt } from "./context-prompts.ts";
export { createTeacher, type TeacherOptions } from "./create-teacher.ts";
export { privilegedInformationGain } from "./information-gain.ts";
export { type PairContextsOptions, pairContexts } from "./pair-contexts.ts";
export { type SelfTestOptions, type SelfTestResult, selfTest } from "./self-test.ts";
export type {
  SampledScores,
  ScoreRequest,
  StateScores,
  Teacher,
  TeacherKind,
  TeacherScores,
  TeacherState,
} from "./teacher.ts";
