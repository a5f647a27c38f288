import { type SelfTestResult, selfTest, studentPrompt } from "@imagine-opd/privileged-teacher";
import { throwIfAborted } from "@imagine-opd/protocol";
import type { StepResult } from "./train-step.ts";
import type { Trainer } from "./trainer.ts";

/** What `train` yields. */
export type TrainEvent =
  /** Student and teacher agree on the student's own context: alignment is right. Once, before the first step of a run. */
  | { readonly type: "self-test-passed"; readonly result: SelfTestResult }
  | ({ readonly type: "step-finished"; readonly step: number; readonly totalSteps: number } & StepResult)
  /** The last event. */
  | { readonly type: "run-finished"; readonly step: number };

export interface TrainOptions {
  /** Stop after this step, counted from the run's beginning. @default one epoch */
  readonly totalSteps?: number;
  /** Stops with `aborted`; the trainer keeps the last finished step and can go on or be saved. */
  readonly signal?: AbortSignal;
}

/** Scores one short prompt by student and teacher: its own last tokens stand in for a completion. */
async function testTeacher(trainer: Trainer): Promise<SelfTestResult | undefined> {
  const { policy, processor, teacher, examples, settings } = trainer.options;
  if (settings.objective.kind !== "opd" || teacher === undefined || trainer.step > 0) return undefined;
  const prompt = studentPrompt(processor, await examples.load(0), {
    imagination: settings.imagination,
    ...(settings.templates && { templates: settings.templates }),
  });
  const ids = Array.from(prompt.tokenIds.slice(-16)).filter((id) => !processor.placeholderTokenIds.includes(id));
  const room = policy.contextLength - prompt.tokenIds.length;
  return selfTest(policy, teacher, [{ prompt, completion: Int32Array.from(ids.slice(0, Math.max(1, room))) }]);
}

/**
 * Runs a trainer step by step. Between two events the caller may evaluate, save or stop; `break` leaves the trainer usable.
 * @throws what a step throws; `aborted` when the signal fires
 */
export async function* train(
  trainer: Trainer,
  options: TrainOptions = {},
): AsyncGenerator<TrainEvent, void, undefined> {
  const { totalSteps = trainer.stepsPerEpoch, signal } = options;
  const result = await testTeacher(trainer);
  if (result !== undefined) yield { type: "self-test-passed", result };
  while (trainer.step < totalSteps) {
    throwIfAborted(signal, "trainer.train");
    const step = await trainer.next(signal && { signal });
    yield { type: "step-finished", step: trainer.step, totalSteps, ...step };
  }
  yield { type: "run-finished", step: trainer.step };
}
