import type { TeacherStates } from "@imagine-opd/distillation-loss";
import type { EncodedPrompt, Example, Processor, RgbImage, Rollout } from "@imagine-opd/protocol";
import type { Policy, ScoredSequence } from "@imagine-opd/protocol/policy";
import {
  type AdaptedWeight,
  cacheScores,
  controlPrivilege,
  createTeacher,
  measureInformationGain,
  pairContexts,
  selfTest,
  studentPrompt,
  type Teacher,
  type TeacherKind,
  type TeacherState,
  teacherPrompt,
} from "./index.ts";

// Checked by the compiler alone: what is marked must not compile, everything else must.

declare const policy: Policy;
declare const teacher: Teacher;
declare const processor: Processor;
declare const example: Example;
declare const rollouts: readonly Rollout[];
declare const prompts: readonly EncodedPrompt[];
declare const contexts: readonly ScoredSequence[];
declare const adapted: readonly AdaptedWeight[];
declare const pictures: readonly RgbImage[];

// Kinds state their parameters.
const create = (kind: TeacherKind) => createTeacher(policy, kind);
create({ kind: "frozen", from: "snapshot" });
create({ kind: "ema", rate: 0.05, average: "weights" });
create({ kind: "periodic", everySteps: 40 });
create({ kind: "trust-region", studentShare: 0.1, reference: "base" });
createTeacher(policy, { kind: "ema", rate: 0.05, average: "deltas" }, { adapted, chunkRows: 8 });
// @ts-expect-error frozen where?
create({ kind: "frozen" });
// @ts-expect-error factors are not averaged under a name of their own
create({ kind: "ema", rate: 0.05, average: "factors" });
// @ts-expect-error a live teacher has no rate
create({ kind: "live", rate: 0.05 });
// @ts-expect-error a teacher is chosen, never assumed
createTeacher(policy);

// The answer follows from the question.
export async function ask(): Promise<readonly [Float32Array, Float32Array, Int32Array, TeacherStates]> {
  const { logProbs } = await teacher.score(contexts, { want: "sampled", temperature: 0.7 });
  const onlyEntropy = await teacher.score(contexts, { want: "entropy" });
  // @ts-expect-error nobody asked for it
  onlyEntropy.logProbs;
  const { ids } = await teacher.score(contexts, { want: "top-k", k: 20 });
  const states = await teacher.score(contexts, { want: "states" });
  // @ts-expect-error how many?
  await teacher.score(contexts, { want: "top-k" });
  // @ts-expect-error no such question
  await teacher.score(contexts, { want: "logits" });
  return [logProbs, onlyEntropy.entropy, ids, states];
}

// What is revealed has no default.
studentPrompt(processor, example, { imagination: "on" });
teacherPrompt(processor, example, { reveal: { evidence: true, groundTruth: false } });
// @ts-expect-error it changes what is learned
teacherPrompt(processor, example, {});
// @ts-expect-error both halves of it
teacherPrompt(processor, example, { reveal: { evidence: true } });
// @ts-expect-error a student sees nothing more
studentPrompt(processor, example, { imagination: "on", reveal: { evidence: true, groundTruth: true } });

// Contexts.
pairContexts(rollouts, prompts, { placeholderTokenIds: [], contextLength: 64, pictures: "swapped" });
// @ts-expect-error nothing is cut, so the limit must be known
pairContexts(rollouts, prompts, { placeholderTokenIds: [] });
selfTest(policy, teacher, rollouts, { tolerance: 1e-6 });
measureInformationGain(teacher, contexts, contexts, { student: { policy, sequences: contexts } });
// @ts-expect-error the student's contexts without the student
measureInformationGain(teacher, contexts, contexts, { student: { sequences: contexts } });
controlPrivilege(example, "shuffled", { reveal: { evidence: true, groundTruth: true }, pictures });
// @ts-expect-error no such control
controlPrivilege(example, "swapped", { reveal: { evidence: true, groundTruth: true }, pictures });

// A cached teacher is a teacher; a bound is chosen.
export const cached: Teacher = cacheScores(teacher, { maxEntries: 100 });
// @ts-expect-error no memory is unbounded
cacheScores(teacher, {});
export const state: Promise<TeacherState> = teacher.exportState();
// @ts-expect-error the kind is for reading
teacher.kind = { kind: "live" };
