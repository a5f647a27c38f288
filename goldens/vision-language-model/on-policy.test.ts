import { divergenceThroughHead } from "@imagine-opd/distillation-loss";
import { createTeacher, selfTest } from "@imagine-opd/privileged-teacher";
import type { EncodedPrompt, Example, ExampleSource } from "@imagine-opd/protocol";
import { type SampledRollout, sampleRollouts } from "@imagine-opd/rollout-sampler";
import { createTrainer, presets, type TrainSettings } from "@imagine-opd/trainer";
import { openModel, type VisionLanguageModel } from "@imagine-opd/vision-language-model";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { caseMessages, families, norm, openFixture, readImage, useBackend } from "../family.ts";

beforeAll(() => useBackend("wasm"));

describe.each(families)("%s", (family) => {
  let model: VisionLanguageModel;
  let student: EncodedPrompt;
  beforeAll(async () => {
    model = await openModel(openFixture(family), { trainable: { kind: "full", vision: "trainable" } });
    student = model.processor.encode(await caseMessages(family, "student"));
  });
  afterAll(() => model.dispose());

  const sample = (
    prompts: readonly EncodedPrompt[],
    options: { batchSize: number; maxTokens: number; rolloutsPerPrompt: number },
  ) => {
    const { processor, policy } = model;
    return sampleRollouts(
      policy,
      prompts.map((prompt, i) => ({ recordId: `record-${i}`, prompt })),
      {
        ...options,
        seed: 7,
        stopTokenIds: processor.stopTokenIds,
        bannedTokenIds: processor.placeholderTokenIds,
        tokenLimit: processor.tokenCount,
      },
    );
  };

  test("2 000 tokens are the same at batch sizes 1, 3 and 8", async () => {
    const prompts = [student];
    for (const name of ["text", "teacher"]) prompts.push(model.processor.encode(await caseMessages(family, name)));
    const runs: SampledRollout[][] = [];
    for (const batchSize of [1, 3, 8])
      runs.push(await sample(prompts, { batchSize, maxTokens: 40, rolloutsPerPrompt: 24 }));
    const tokens = runs.map((run) => run.flatMap(({ completion }) => [...completion]));
    expect(tokens[0]!.length).toBeGreaterThan(2000);
    expect(tokens[1]).toEqual(tokens[0]);
    expect(tokens[2]).toEqual(tokens[0]);
  });

  test("a teacher with the student's own prompt gives no signal: KL and gradient vanish", async () => {
    const { policy } = model;
    const teacher = createTeacher(policy, { kind: "frozen", from: "snapshot" });
    const [rollout] = await sample([student], { batchSize: 1, maxTokens: 20, rolloutsPerPrompt: 1 });
    const sequences = [{ prompt: student, completion: rollout!.completion }];
    const { kl, maxAbsLogRatio } = await selfTest(policy, teacher, sequences);
    expect(kl).toBeLessThan(1e-5);
    expect(maxAbsLogRatio).toBeLessThan(1e-4);
    const { states: teacherStates } = await teacher.score(sequences, { want: "states" });
    const { value, grads } = tf.variableGrads(() => {
      const result = divergenceThroughHead(policy.completionStates(sequences), {
        head: policy.head,
        trainable: policy.trainable,
        divergence: { kind: "reverse-kl" },
        teacher: { states: teacherStates, weights: teacher.weights },
      });
      result.dispose();
      return result.loss;
    }, Object.values(policy.trainable));
    expect(Math.abs(value.dataSync()[0]!)).toBeLessThan(1e-5);
    expect(Math.hypot(...Object.values(grads).map((gradient) => norm(gradient.dataSync())))).toBeLessThan(1e-5);
    tf.dispose([value, teacherStates, ...Object.values(grads)]);
    teacher.dispose();
  });
});

test("50 training steps leave no tensor behind", async () => {
  const { policy, processor, ...model } = await openModel(openFixture("smolvlm"), {
    trainable: { kind: "full", vision: "trainable" },
    imageSplitting: "off",
  });
  const teacher = createTeacher(policy, { kind: "frozen", from: "snapshot" });
  const [whole, view] = [await readImage("common/images/e.png"), await readImage("common/images/d.png")];
  const example = async (index: number): Promise<Example> => ({
    id: `e${index}`,
    images: [whole],
    question: "Hi?",
    answer: "a",
    views: [view],
  });
  const examples: ExampleSource = { size: 4, fingerprint: "pictures", load: example };
  // The tiny fixture holds 512 tokens, too few for the prompts' byte-level spelling, so the student's plain prompt is used raw.
  const short = {
    ...processor,
    encode: (messages: Parameters<typeof processor.encode>[0]) => processor.encode(messages.slice(-1)),
  };
  const settings: TrainSettings = {
    ...presets["imagine-opd"].settings,
    sampling: { temperature: 1, maxTokens: 3, rolloutsPerPrompt: 1 },
    batchSize: 2,
    microBatchSize: 1,
    seed: 1,
  };
  const trainer = createTrainer({ policy, processor: short, teacher, examples, settings });
  await trainer.next();
  const before = tf.memory().numTensors;
  for (let step = 0; step < 50; step++) await trainer.next();
  expect(tf.memory().numTensors).toBe(before);
  trainer.dispose();
  teacher.dispose();
  model.dispose();
});
