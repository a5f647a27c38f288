import { createTeacher } from "@imagine-opd/privileged-teacher";
import type { Example, ExampleSource } from "@imagine-opd/protocol";
import { createTrainer, type Objective, presets, type TrainSettings } from "@imagine-opd/trainer";
import { openModel } from "@imagine-opd/vision-language-model";
import { beforeAll, describe, expect, test } from "vitest";
import { backends, openFixture, readImage, useBackend } from "./family.ts";

const reverseKl: Objective = { kind: "opd", divergence: { kind: "reverse-kl" } };
const sampled: Objective = { kind: "opd", divergence: { kind: "sampled-reverse-kl" } };

interface Step {
  /** KL(student‖teacher), or its sampled estimate, nats a token. */
  readonly divergence: number;
  readonly gradientNorm: number;
}

/** The first steps of a run on the small SmolVLM fixture. */
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
  const pictures = await Promise.all(["a", "b", "d", "e"].map((name) => readImage(`common/images/${name}.png`)));
  const load = async (index: number): Promise<Example> => ({
    id: `picture-${index}`,
    images: [pictures[index]!],
    question: "What is it?",
    answer: "a cat",
    views: [pictures[(index + 1) % 4]!],
  });
  const examples: ExampleSource = { size: 4, fingerprint: "four pictures", load };
  // The fixture's context is too short for system turns, so prompts are the user turns alone.
  const short = {
    ...processor,
    encode: (messages: Parameters<typeof processor.encode>[0]) => processor.encode(messages.slice(-1)),
  };
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
      sampling: { ...published.sampling, maxTokens: 8, rolloutsPerPrompt: 2 },
      batchSize: 4,
      microBatchSize: 8,
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
const views = { evidence: true, groundTruth: false };

describe.each(backends.filter((backend) => backend !== "cpu"))("%s", (backend) => {
  beforeAll(() => useBackend(backend));

  test.each([
    ["reverse KL", reverseKl, 3e-3],
    ["sampled reverse KL", sampled, 1e-3],
  ] as const)(
    "%s: the student comes closer to the teacher that sees the views",
    async (_name, objective, learningRate) => {
      const signal = (await trainFixture(objective, learningRate, views, 30)).map(({ divergence }) => divergence);
      expect(mean(signal.slice(0, 5))).toBeGreaterThan(0.05);
      expect(mean(signal.slice(-5))).toBeLessThan(0.7 * mean(signal.slice(0, 5)));
    },
  );

  // One step only: AdamW makes steps of full size from gradients that are nothing but rounding.
  test("control: a teacher that sees no more than the student has nothing to teach", async () => {
    const [first] = await trainFixture(reverseKl, 3e-3, { evidence: false, groundTruth: false }, 1);
    expect(Math.abs(first!.divergence)).toBeLessThan(1e-5);
    expect(first!.gradientNorm).toBeLessThan(1e-5);
  });
});
