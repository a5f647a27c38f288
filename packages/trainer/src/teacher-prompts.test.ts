import "@tensorflow/tfjs-backend-cpu";
import { promptTemplates } from "@imagine-opd/imagination-prompts";
import { createTeacher } from "@imagine-opd/privileged-teacher";
import type { Example, ExampleSource, Message, Processor } from "@imagine-opd/protocol";
import { registerCoreGradients } from "@imagine-opd/tensor-ops";
import { createToyPolicy, createToyProcessor, plainImage } from "@imagine-opd/test-kit";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, expect, test } from "vitest";
import { presets } from "./presets.ts";
import type { TrainSettings } from "./settings.ts";
import type { Grader } from "./step-metrics.ts";
import { createTrainer } from "./trainer.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
  registerCoreGradients();
});

const vocabSize = 12;
const plain = createToyProcessor(vocabSize);
const load = async (index: number): Promise<Example> => ({
  id: `record-${index}`,
  images: [plainImage(40 * index)],
  question: `what is number ${index}`,
  views: [],
});
const examples: ExampleSource = { size: 2, fingerprint: "toy", load };
const settings: TrainSettings = {
  ...presets.sdpo.settings,
  sampling: { temperature: 1, maxTokens: 6, rolloutsPerPrompt: 4 },
  batchSize: 2,
  microBatchSize: 3,
  seed: 3,
};

const textOf = (messages: readonly Message[]) =>
  messages.flatMap(({ content }) => content.map((part) => (part.type === "text" ? part.text : "[picture]"))).join("\n");

/** One step; what every completion said, and the context under which the teacher read it. */
async function takeStep(grade: Grader | undefined, changes: Partial<TrainSettings> = {}, more: Partial<Example> = {}) {
  const rendered = new Map<string, string>();
  const processor: Processor = {
    ...plain,
    encode(messages) {
      const prompt = plain.encode(messages);
      rendered.set(prompt.tokenIds.join(), textOf(messages));
      return prompt;
    },
  };
  const policy = createToyPolicy({ vocabSize, contextLength: 400, seed: 5 });
  const teacher = createTeacher(policy, presets.sdpo.teacher);
  const read: string[] = [];
  const spy: typeof teacher = {
    ...teacher,
    weights: { kind: "student" },
    score: (sequences, ask) => {
      read.push(...sequences.map(({ prompt }) => rendered.get(prompt.tokenIds.join())!));
      return teacher.score(sequences, ask);
    },
  };
  const all = { ...settings, ...changes };
  const data: ExampleSource = { ...examples, load: async (index) => ({ ...(await load(index)), ...more }) };
  const options = { policy, processor, teacher: spy, examples: data, settings: all, ...(grade && { grade }) };
  const trainer = createTrainer(options);
  const before = tf.memory().numTensors;
  try {
    const { rollouts, metrics } = await trainer.next();
    return { read, texts: rollouts.map(({ text }) => text), rollouts, metrics, kept: tf.memory().numTensors - before };
  } finally {
    trainer.dispose();
    teacher.dispose();
    policy.dispose();
  }
}

const shownIn = (context: string) => /Successful attempt: (.*)$/m.exec(context)?.[1];
const gradeWord: Grader = (text) => ({ correct: /w[4-6]/.test(text), parsed: true });

test("the first other completion that is correct stands in the answer's place, and only there", async () => {
  const { read, texts } = await takeStep(gradeWord);
  const right = texts.map((text) => /w[4-6]/.test(text));
  expect(right.filter(Boolean).length).toBeGreaterThan(1);
  const expected = texts.map((_, i) => {
    const group = 4 * Math.floor(i / 4);
    return texts.find((_text, j) => j >= group && j < group + 4 && j !== i && right[j]);
  });
  expect(read.map(shownIn)).toEqual(expected);
  for (const context of read.filter(shownIn)) expect(context).toContain("never say or hint that an attempt was given");
  for (const context of read) expect(context).not.toContain("Labelled answer");
});

test("the wording of a demonstration is that of the settings", async () => {
  const templates = {
    ...promptTemplates,
    hiddenDemonstration: { id: "mine", version: 1, text: "Somebody else was right." },
    demonstrationLabel: { id: "mine", version: 1, text: "\nThey said: {answer}" },
  };
  const { read, texts } = await takeStep(gradeWord, { templates });
  const shown = read.flatMap((context) => /^They said: (.*)$/m.exec(context)?.[1] ?? []);
  expect(shown.length).toBeGreaterThan(1);
  for (const text of shown) expect(texts).toContain(text);
  expect(read.filter((context) => context.includes("Somebody else was right."))).toHaveLength(shown.length);
});

const solved = { answer: "w5", solution: "the sign stands left so it is w5" };
const opsd = { ...presets.opsd.settings, sampling: settings.sampling } satisfies Partial<TrainSettings>;

test("the preset opsd shows the reference solution, and the answer only in it", async () => {
  const { read, metrics } = await takeStep(undefined, { ...opsd, batchSize: 2 }, solved);
  for (const context of read) {
    expect(context).toContain(` Reference solution: ${solved.solution}`);
    expect(context).toContain("never say or hint that a solution was given");
    expect(context).not.toMatch(/labelled answer/i);
  }
  expect(metrics.optimiser!.gradientNorm).toBeGreaterThan(1e-3);
});

test("opsd without solutions stops with the reason; reduced it shows nothing, never the answer instead", async () => {
  const { solution: _, ...answered } = solved;
  await expect(takeStep(undefined, { ...opsd, batchSize: 2 }, answered)).rejects.toThrow(
    'reveal.groundTruth is "solution", but the record has no solution. Skip the record',
  );
  const { read } = await takeStep(undefined, { ...opsd, batchSize: 2, missingPrivilege: "reduce" }, answered);
  for (const context of read) expect(context).not.toMatch(/solution|labelled answer/i);
});

test("completions that nothing can be shown to do not count, and with reduce they do", async () => {
  const onlyFirst: Grader = (text, { id }) => ({ correct: id === "record-0" && /w[4-6]/.test(text), parsed: true });
  const skipped = await takeStep(onlyFirst);
  const lengths = skipped.rollouts.map(({ tokenIds }) => tokenIds.length);
  const without = lengths.filter((_, i) => shownIn(skipped.read[i]!) === undefined);
  const total = lengths.reduce((a, b) => a + b, 0);
  expect(without.length).toBeGreaterThanOrEqual(4);
  expect(skipped.metrics.rollout!.maskedShare).toBeCloseTo(without.reduce((a, b) => a + b, 0) / total, 6);
  const reduced = await takeStep(onlyFirst, { missingPrivilege: "reduce" });
  expect(reduced.metrics.rollout!.maskedShare).toBe(0);
  expect(reduced.read).toEqual(skipped.read);
});

test("a step in which nothing succeeds has loss 0 and gradient 0, and leaves nothing behind", async () => {
  const { metrics, read, kept } = await takeStep(() => ({ correct: false, parsed: true }));
  expect(read.some(shownIn)).toBe(false);
  expect([metrics.optimiser!.loss, metrics.optimiser!.gradientNorm]).toEqual([0, 0]);
  expect(metrics.rollout!.maskedShare).toBe(1);
  expect(metrics.signal!.divergence).toBeUndefined();
  expect(kept).toBe(0);
});

test("a demonstration teaches: the teacher's context differs, so that there is something to learn", async () => {
  const shown = await takeStep(gradeWord);
  expect(shown.metrics.optimiser!.gradientNorm).toBeGreaterThan(1e-3);
  expect(shown.metrics.data!.teacherPromptMean).toBeGreaterThan(shown.metrics.data!.studentPromptMean!);
});

test.each<[string, Grader | undefined, Partial<TrainSettings>]>([
  ["demonstrations are completions that are graded as correct, and there is no `grade`. Pass one", undefined, {}],
  ["no other completion of record record-", () => ({ correct: false, parsed: true }), { missingPrivilege: "error" }],
  [
    "a demonstration stands in the labelled answer's place, and reveal.groundTruth is true.",
    gradeWord,
    { reveal: { evidence: false, groundTruth: true } },
  ],
  [
    "a rollout is demonstrated to others of its prompt, and there is one. Raise rolloutsPerPrompt.",
    gradeWord,
    { sampling: { ...settings.sampling, rolloutsPerPrompt: 1 } },
  ],
  ['demonstration must be one of none, successful-rollout, got "best".', gradeWord, { demonstration: "best" as never }],
])("%s", async (message, grade, changes) => {
  await expect(takeStep(grade, changes)).rejects.toThrow(message);
});
