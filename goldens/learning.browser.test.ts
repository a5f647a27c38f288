import { closeWebgpuBackend, openWebgpuBackend } from "@imagine-opd/backend-webgpu";
import { createTeacher } from "@imagine-opd/privileged-teacher";
import type { Example, ExampleSource, Processor } from "@imagine-opd/protocol";
import { createTrainer, type Objective, presets, type TrainSettings } from "@imagine-opd/trainer";
import { openModel } from "@imagine-opd/vision-language-model";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openFixture, readImage } from "./browser-family.ts";

beforeAll(async () => {
  await openWebgpuBackend();
});
afterAll(() => closeWebgpuBackend());

interface Step {
  /** KL(student‖teacher), or its sampled estimate, nats a token. */
  readonly divergence: number;
  readonly gradientNorm: number;
}

/** The first steps of the run of `learning.test.ts`, with a quarter of its pictures and half its rollouts a step. */
async function trainFixture(
  objective: Objective,
  learningRate: number,
  reveal: TrainSettings["reveal"],
  steps: number,
): Promise<Step[]> {
  const { policy, processor, ...model } = await openModel(openFixture("smolvlm"), {
    trainable: { kind: "full", vision: "frozen" },
    imageSplitting: "off",
  });
  const teacher = createTeacher(policy, { kind: "frozen", from: "snapshot" });
  const [picture, view] = await Promise.all([readImage("a"), readImage("b")]);
  const load = async (): Promise<Example> => ({
    id: "picture",
    images: [picture!],
    question: "What is it?",
    answer: "a cat",
    views: [view!],
  });
  const examples: ExampleSource = { size: 1, fingerprint: "one picture", load };
  // The fixture's context is too short for system turns, so prompts are the user turns alone.
  const short: Processor = { ...processor, encode: (messages) => processor.encode(messages.slice(-1)) };
  const { settings: published } = presets["imagine-opd"];
  const trainer = createTrainer({
    policy,
    processor: short,
    teacher,
    examples,
    settings: {
      ...published,
      objective,
      reveal,
      sampling: { ...published.sampling, maxTokens: 6, rolloutsPerPrompt: 4 },
      batchSize: 1,
      microBatchSize: 4,
      optimiser: { ...published.optimiser, schedule: { kind: "constant", learningRate } },
      seed: 0,
    },
  });
  const run: Step[] = [];
  for (let step = 0; step < steps; step++) {
    const { signal, optimiser } = (await trainer.next()).metrics;
    run.push({ divergence: signal!.divergence!, gradientNorm: optimiser!.gradientNorm! });
  }
  trainer.dispose();
  teacher.dispose();
  model.dispose();
  return run;
}

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b) / values.length;
const reverseKl: Objective = { kind: "opd", divergence: { kind: "reverse-kl" } };

test("the student comes closer to the teacher that sees the views", async () => {
  const run = await trainFixture(reverseKl, 3e-3, { evidence: true, groundTruth: false }, 20);
  const divergence = run.map((step) => step.divergence);
  expect(mean(divergence.slice(0, 3))).toBeGreaterThan(0.05);
  expect(mean(divergence.slice(-3))).toBeLessThan(0.7 * mean(divergence.slice(0, 3)));
}, 600_000);

// One step only: AdamW makes steps of full size from gradients that are nothing but rounding.
test("control: a teacher that sees no more than the student has nothing to teach", async () => {
  const [first] = await trainFixture(reverseKl, 3e-3, { evidence: false, groundTruth: false }, 1);
  expect(Math.abs(first!.divergence)).toBeLessThan(1e-5);
  expect(first!.gradientNorm).toBeLessThan(1e-5);
}, 600_000);
