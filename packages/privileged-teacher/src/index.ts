export type {
  PrivilegedQuestion,
  Reveal,
  StudentMessageOptions,
  TeacherMessageOptions,
  VisualQuestion,
} from "@imagine-opd/imagination-prompts";
export type { AdaptedWeight } from "./adapted-weight.ts";
export { findAssistantPrefix } from "./assistant-boundary.ts";
export { type CachedTeacher, type CacheScoresOptions, cacheScores } from "./cache-scores.ts";
export { type CompareContextsOptions, compareContexts } from "./compare-contexts.ts";
export { studentPrompt, teacherPrompt } from "./context-prompts.ts";
export {
  type ControlledPrivilege,
  type ControlPrivilegeOptions,
  controlPrivilege,
  type TeacherControl,
} from "./control-privilege.ts";
export { createTeacher, type TeacherOptions } from "./create-teacher.ts";
export { privilegedInformationGain } from "./information-gain.ts";
export {
  type InformationGain,
  type MeasureInformationGainOptions,
  measureInformationGain,
} from "./measure-information-gain.ts";
export { type PairContextsOptions, pairContexts } from "./pair-contexts.ts";
export { type SelfTestOptions, type SelfTestResult, selfTest } from "./self-test.ts";
export type {
  EntropyScores,
  SampledScores,
  ScoreRequest,
  StateScores,
  Teacher,
  TeacherScores,
  TeacherState,
  TopKScores,
} from "./teacher.ts";
export { nameKind, type TeacherKind } from "./teacher-kind.ts";
