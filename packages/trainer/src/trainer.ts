import { fingerprintTemplates, promptTemplates } from "@imagine-opd/imagination-prompts";
import { type AdamW, type AdamWState, createAdamW } from "@imagine-opd/optim";
import type { Teacher, TeacherState } from "@imagine-opd/privileged-teacher";
import { type ExampleSource, ImagineOpdError, type Processor } from "@imagine-opd/protocol";
import type { Policy } from "@imagine-opd/protocol/policy";
import { checkSettings } from "./check-settings.ts";
import { createDataOrder } from "./data-order.ts";
import type { TrainSettings } from "./settings.ts";
import type { Grader } from "./step-metrics.ts";
import { type StepResult, trainStep } from "./train-step.ts";

/** What trains, with what and on what. */
export interface TrainerOptions {
  readonly policy: Policy;
  readonly processor: Processor;
  /** Needed by the objective `opd`. */
  readonly teacher?: Teacher;
  readonly examples: ExampleSource;
  readonly settings: TrainSettings;
  /** Grades completions for the log, and for demonstrations. @default accuracy is not logged */
  readonly grade?: Grader;
}

/** What a checkpoint keeps of a trainer, apart from the policy's weights, which whoever owns the model saves. */
export interface TrainerState {
  /** Steps done. */
  readonly step: number;
  /** Steps whose update was skipped because the gradient was not finite. */
  readonly skippedSteps: number;
  readonly dataFingerprint: string;
  readonly processorFingerprint: string;
  /** Hash of the wording of all prompts, that of demonstrations included. */
  readonly promptsFingerprint: string;
  readonly optimizer: AdamWState;
  readonly teacher: TeacherState | undefined;
}

/** A run in progress. Order of the data and every random number follow from the seed and the step, so a state is small. */
export interface Trainer {
  /** Steps done. */
  readonly step: number;
  readonly stepsPerEpoch: number;
  readonly options: TrainerOptions;
  next(options?: { readonly signal?: AbortSignal }): Promise<StepResult>;
  exportState(): Promise<TrainerState>;
  /**
   * Goes on from a state. The policy must hold the weights that it had when the state was exported.
   * @throws mismatch when the data, the processor or the wording of a prompt is another
   */
  importState(state: TrainerState): void;
  /** Frees the optimiser's state, never the policy or the teacher. */
  dispose(): void;
}

/** After this many skipped updates in a row training cannot recover by itself. */
const mostSkippedInARow = 5;

/**
 * Prepares a run. The policy, the teacher and the data stay the caller's.
 * @throws invalid-argument for settings that no step could use, and for less data than a batch
 */
export function createTrainer(options: TrainerOptions): Trainer {
  const { policy, processor, teacher, examples, settings } = options;
  const { betas, epsilon, weightDecay } = settings.optimiser;
  checkSettings("trainer.createTrainer", settings);
  const promptsFingerprint = fingerprintTemplates(settings.templates ?? promptTemplates);
  const order = createDataOrder(examples.size, settings.batchSize, settings.seed);
  const optimizer: AdamW = createAdamW(policy.trainable, { betas, epsilon, weightDecay });
  let step = 0;
  let skippedSteps = 0;
  let skippedInARow = 0;
  return {
    options,
    stepsPerEpoch: order.stepsPerEpoch,
    get step() {
      return step;
    },
    async next({ signal } = {}) {
      const indices = order.examplesOf(step + 1);
      const batch = await Promise.all(Array.from(indices, (index) => examples.load(index, signal)));
      const parts = { ...options, optimizer };
      const result = await trainStep(parts, batch, settings, { step: step + 1, ...(signal && { signal }) });
      step += 1;
      skippedInARow = result.applied ? 0 : skippedInARow + 1;
      if (!result.applied) skippedSteps += 1;
      if (skippedInARow >= mostSkippedInARow) {
        throw new ImagineOpdError("non-finite", {
          where: "trainer.next",
          problem: `the gradient was not finite in ${skippedInARow} steps in a row (last: step ${step}).`,
          remedy: "Go back to the last checkpoint and lower the learning rate.",
          details: { step, gradientNorm: result.metrics.optimiser?.gradientNorm },
        });
      }
      return { ...result, metrics: { ...result.metrics, optimiser: { ...result.metrics.optimiser, skippedSteps } } };
    },
    exportState: async () => ({
      step,
      skippedSteps,
      dataFingerprint: examples.fingerprint,
      processorFingerprint: processor.fingerprint,
      promptsFingerprint,
      optimizer: await optimizer.exportState(),
      teacher: await teacher?.exportState(),
    }),
    importState(state) {
      for (const [what, stored, own] of [
        ["data", state.dataFingerprint, examples.fingerprint],
        ["processor", state.processorFingerprint, processor.fingerprint],
        ["wording of the prompts", state.promptsFingerprint, promptsFingerprint],
      ]) {
        if (stored === own) continue;
        throw new ImagineOpdError("mismatch", {
          where: "trainer.importState",
          problem: `the ${what} changed since the checkpoint (${stored} then, ${own} now).`,
          remedy: "Resume with what the run began with, or start a new run from the checkpoint's weights.",
        });
      }
      optimizer.importState(state.optimizer);
      if (state.teacher !== undefined) teacher?.importState(state.teacher);
      step = state.step;
      skippedSteps = state.skippedSteps;
    },
    dispose: () => optimizer.dispose(),
  };
}
