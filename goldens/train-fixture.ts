import { createTeacher } from "@imagine-opd/privileged-teacher";
import type { Example, ExampleSource, FileSource, Processor, RgbImage } from "@imagine-opd/protocol";
import { createTrainer, type Objective, presets, type TrainSettings } from "@imagine-opd/trainer";
import { openModel } from "@imagine-opd/vision-language-model";

interface Step {
  /** KL(student‖teacher), or its sampled estimate, nats a token. */
  readonly divergence: number;
  readonly gradientNorm: number;
}

interface FixtureRun {
  /** Each has the next one as its evidence view. */
  readonly pictures: readonly RgbImage[];
  /** The first so many of them are asked about. */
  readonly records: number;
  readonly rolloutsPerPrompt: number;
  readonly maxTokens: number;
}

/** What of a run differs between tests. */
interface Lesson {
  readonly objective: Objective;
  readonly learningRate: number;
  readonly reveal: TrainSettings["reveal"];
  readonly steps: number;
}

function askAbout({ pictures, records }: FixtureRun): ExampleSource {
  const load = async (index: number): Promise<Example> => ({
    id: `picture-${index}`,
    images: [pictures[index]!],
    question: "What is it?",
    answer: "a cat",
    views: [pictures[(index + 1) % pictures.length]!],
  });
  return { size: records, fingerprint: `${records} pictures`, load };
}

/** The first steps of a run on the small SmolVLM fixture, all records in every step. */
export async function trainFixture(fixture: FileSource, run: FixtureRun, lesson: Lesson): Promise<Step[]> {
  const { objective, learningRate, reveal } = lesson;
  const { records, rolloutsPerPrompt, maxTokens } = run;
  const { policy, processor, ...model } = await openModel(fixture, {
    trainable: { kind: "full", vision: "frozen" },
    imageSplitting: "off",
  });
  const teacher = createTeacher(policy, { kind: "frozen", from: "snapshot" });
  // The fixture's context is too short for system turns, so prompts are the user turns alone.
  const short: Processor = { ...processor, encode: (messages) => processor.encode(messages.slice(-1)) };
  const { settings: published } = presets["imagine-opd"];
  const trainer = createTrainer({
    policy,
    processor: short,
    teacher,
    examples: askAbout(run),
    settings: {
      ...published,
      objective,
      reveal,
      sampling: { ...published.sampling, maxTokens, rolloutsPerPrompt },
      batchSize: records,
      microBatchSize: records * rolloutsPerPrompt,
      optimiser: { ...published.optimiser, schedule: { kind: "constant", learningRate } },
      seed: 0,
    },
  });
  const steps: Step[] = [];
  for (let step = 0; step < lesson.steps; step++) {
    const { signal, optimiser } = (await trainer.next()).metrics;
    steps.push({ divergence: signal!.divergence!, gradientNorm: optimiser!.gradientNorm! });
  }
  trainer.dispose();
  teacher.dispose();
  model.dispose();
  return steps;
}

const reverseKl: Objective = { kind: "opd", divergence: { kind: "reverse-kl" } };
const sampled: Objective = { kind: "opd", divergence: { kind: "sampled-reverse-kl" } };
const views = { evidence: true, groundTruth: false };

/** Runs in which there is something to learn. */
export const lessons = {
  "reverse KL": { objective: reverseKl, learningRate: 3e-3, reveal: views },
  "sampled reverse KL": { objective: sampled, learningRate: 1e-3, reveal: views },
} as const;

/**
 * A teacher that sees no more than the student. One step only: AdamW makes steps of full size from gradients that are nothing
 * but rounding.
 */
export const control: Lesson = {
  ...lessons["reverse KL"],
  reveal: { evidence: false, groundTruth: false },
  steps: 1,
};

/** Mean divergence over the first and over the last steps of a run. */
export function compareEnds(steps: readonly Step[], count: number): { readonly first: number; readonly last: number } {
  const mean = (part: readonly Step[]) => part.reduce((sum, { divergence }) => sum + divergence, 0) / part.length;
  return { first: mean(steps.slice(0, count)), last: mean(steps.slice(-count)) };
}
