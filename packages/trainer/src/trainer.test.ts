import "@tensorflow/tfjs-backend-cpu";
import { fingerprintTemplates, type PromptTemplates, promptTemplates } from "@imagine-opd/imagination-prompts";
import { createTeacher, type TeacherKind } from "@imagine-opd/privileged-teacher";
import type { Example, ExampleSource } from "@imagine-opd/protocol";
import type { Policy } from "@imagine-opd/protocol/policy";
import { registerCoreGradients } from "@imagine-opd/tensor-ops";
import { createToyPolicy, createToyProcessor, memoryFiles, plainImage } from "@imagine-opd/test-kit";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import {
  loadTrainerState,
  type Objective,
  presets,
  type StepResult,
  saveTrainerState,
  type TrainSettings,
  train,
} from "./index.ts";
import { createTrainer } from "./trainer.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
  registerCoreGradients();
});

const vocabSize = 12;
const processor = createToyProcessor(vocabSize);

function examples(count = 6): ExampleSource {
  const load = async (index: number): Promise<Example> => ({
    id: `record-${index}`,
    images: [plainImage(40 * index)],
    question: `what is number ${index}`,
    answer: `answer ${index}`,
    views: [plainImage(255 - 40 * index)],
  });
  return { size: count, fingerprint: `toy-${count}`, load };
}

const settings: TrainSettings = {
  ...presets["imagine-opd"].settings,
  sampling: { temperature: 1, maxTokens: 5, rolloutsPerPrompt: 2 },
  batchSize: 3,
  microBatchSize: 6,
  optimiser: { ...presets["imagine-opd"].settings.optimiser, schedule: { kind: "constant", learningRate: 0.02 } },
  seed: 3,
};

const frozen: TeacherKind = { kind: "frozen", from: "snapshot" };

function open(
  changes: Partial<TrainSettings> = {},
  data = examples(),
  change = (policy: Policy) => policy,
  kind: TeacherKind = frozen,
) {
  const policy = change(createToyPolicy({ vocabSize, contextLength: 400, seed: 5 }));
  const teacher = createTeacher(policy, kind);
  const trainer = createTrainer({ policy, processor, teacher, examples: data, settings: { ...settings, ...changes } });
  const dispose = () => {
    trainer.dispose();
    teacher.dispose();
    policy.dispose();
  };
  return { policy, teacher, trainer, dispose };
}

const weightsOf = (policy: ReturnType<typeof createToyPolicy>) =>
  Object.values(policy.trainable).map((weight) => [...weight.dataSync()]);
const withoutSystem = ({ metrics: { system, ...metrics }, rollouts }: StepResult) => ({ metrics, rollouts });

const objectives: [string, Objective][] = [
  [
    "sampled reverse KL",
    { kind: "opd", divergence: { kind: "sampled-reverse-kl", clip: { low: 0.2, high: 0.3, dual: 3 } } },
  ],
  ["reverse KL", { kind: "opd", divergence: { kind: "reverse-kl" } }],
  ["JSD", { kind: "opd", divergence: { kind: "jsd", beta: 0.5 } }],
  [
    "JSD on the student's top 4 and the tail, importance weights",
    {
      kind: "opd",
      divergence: {
        kind: "jsd",
        beta: 0.5,
        topK: { support: "student", k: 4, mass: "tail" },
        importanceCap: 2,
      },
    },
  ],
];

describe.each(objectives)("%s", (_name, objective) => {
  test("training brings the student's distribution closer to the teacher's", async () => {
    const { trainer, dispose } = open({ objective });
    const values: number[] = [];
    for (let step = 0; step < 40; step++) values.push((await trainer.next()).metrics.signal!.k1TokenMean!);
    const mean = (from: number, to: number) => values.slice(from, to).reduce((a, b) => a + b) / (to - from);
    expect(mean(30, 40)).toBeLessThan(0.6 * mean(0, 10));
    dispose();
  });

  test("one pass or several give the same update", async () => {
    const results = [];
    for (const microBatchSize of [6, 4, 1]) {
      const { trainer, policy, dispose } = open({ objective, microBatchSize });
      const { metrics } = await trainer.next();
      results.push({
        loss: metrics.optimiser!.loss!,
        norm: metrics.optimiser!.gradientNorm!,
        embed: weightsOf(policy)[0]!,
      });
      dispose();
    }
    for (const { loss, norm } of results) {
      expect(loss).toBeCloseTo(results[0]!.loss, 5);
      expect(norm / results[0]!.norm).toBeCloseTo(1, 4);
    }
  });
});

test("the sampled loss on policy is the token mean of k1, and sampler and training graph agree", async () => {
  const { trainer, dispose } = open();
  const { metrics } = await trainer.next();
  expect(metrics.optimiser!.loss).toBeCloseTo(metrics.signal!.k1TokenMean!, 5);
  expect(metrics.policy!.samplerDifference).toBeLessThan(1e-5);
  expect(metrics.policy!.rhoMax).toBe(1);
  expect(metrics.system!.peakBytes).toBeGreaterThan(metrics.system!.bytes!);
  expect(metrics.signal!.advantageMean).toBeCloseTo(-metrics.signal!.k1TokenMean!, 6);
  expect(metrics.data!.viewsPerRecord).toBe(1);
  dispose();
});

test("a teacher that sees what the student sees gives no gradient", async () => {
  const { trainer, policy, dispose } = open({
    objective: { kind: "opd", divergence: { kind: "reverse-kl" } },
    reveal: { evidence: false, groundTruth: false },
  });
  const { metrics } = await trainer.next();
  expect(Math.abs(metrics.signal!.divergence!)).toBeLessThan(1e-5);
  expect(metrics.optimiser!.gradientNorm).toBeLessThan(1e-5);
  dispose();
  expect(policy.vocabSize).toBe(vocabSize);
});

const kinds: TeacherKind[] = [
  frozen,
  { kind: "ema", rate: 0.05, average: "weights" },
  { kind: "periodic", everySteps: 3 },
  { kind: "trust-region", studentShare: 0.1, reference: "snapshot" },
];

test.each(kinds)(
  "%j: a run that is saved, thrown away and resumed equals an uninterrupted one bit for bit",
  async (kind) => {
    const openRun = () => open({}, examples(), (policy) => policy, kind);
    const whole = openRun();
    const steps = [];
    for (let step = 0; step < 5; step++) steps.push(withoutSystem(await whole.trainer.next()));

    const first = openRun();
    for (let step = 0; step < 2; step++) await first.trainer.next();
    const files = memoryFiles();
    await saveTrainerState(await first.trainer.exportState(), files);
    const weights = weightsOf(first.policy);
    first.dispose();

    const second = openRun();
    Object.values(second.policy.trainable).forEach((variable, i) => {
      const tensor = tf.tensor(weights[i]!, variable.shape);
      variable.assign(tensor);
      tensor.dispose();
    });
    second.trainer.importState(await loadTrainerState(files));
    for (let step = 2; step < 5; step++) expect(withoutSystem(await second.trainer.next())).toEqual(steps[step]);
    expect(weightsOf(second.policy)).toEqual(weightsOf(whole.policy));
    expect(await second.teacher.exportState()).toEqual(await whole.teacher.exportState());
    whole.dispose();
    second.dispose();
  },
);

test("teachers that follow the student report how far behind they are", async () => {
  const distances = async (kind: TeacherKind) => {
    const { trainer, dispose } = open({}, examples(), (policy) => policy, kind);
    const steps = [await trainer.next(), await trainer.next()];
    dispose();
    return steps.map(({ metrics }) => metrics.optimiser!.teacherDistance);
  };
  const [first, second] = await distances({ kind: "ema", rate: 0.05, average: "weights" });
  expect(first).toBeGreaterThan(0);
  expect(second).toBeGreaterThan(first!);
  expect(await distances({ kind: "periodic", everySteps: 1 })).toEqual([0, 0]);
  expect(await distances(frozen)).toEqual([undefined, undefined]);
});

describe("tokens that do not count", () => {
  // Without a stop token every rollout hits the limit.
  const endless = { ...processor, stopTokenIds: [] };
  const run = async (changes: Partial<TrainSettings>) => {
    const policy = createToyPolicy({ vocabSize, contextLength: 400, seed: 5 });
    const teacher = createTeacher(policy, frozen);
    const all = { ...settings, ...changes };
    const trainer = createTrainer({ policy, processor: endless, teacher, examples: examples(), settings: all });
    try {
      return (await trainer.next()).metrics;
    } finally {
      trainer.dispose();
      teacher.dispose();
      policy.dispose();
    }
  };

  test("keep counts all of a truncated rollout, mask-last all but its last token", async () => {
    const [keep, mask] = [await run({}), await run({ truncated: "mask-last" })];
    expect([keep.rollout!.truncatedShare, keep.rollout!.maskedShare]).toEqual([1, 0]);
    expect([mask.rollout!.truncatedShare, mask.rollout!.maskedShare]).toEqual([1, 0.2]);
    expect(mask.optimiser!.loss).not.toBe(keep.optimiser!.loss);
    expect(mask.optimiser!.loss).toBeCloseTo(mask.signal!.k1TokenMean!, 5);
    expect(mask.policy!.samplerDifference).toBeLessThan(1e-5);
    expect(mask.policy!.rhoMean).toBe(1);
  });

  test("drop with nothing left is an error that says why", async () => {
    await expect(run({ truncated: "drop" })).rejects.toThrow(
      'trainer.trainStep: none of the step\'s 30 tokens counts (6 of 6 rollouts hit the length limit, truncated is "drop", skipFirst 0). Raise maxTokens',
    );
  });

  test("skipFirst leaves out the first tokens of each completion", async () => {
    const { rollout, signal } = await run({ skipFirst: 2 });
    expect(rollout!.maskedShare).toBe(0.4);
    expect(signal!.firstToken).toBeUndefined();
    await expect(run({ skipFirst: 0.5 })).rejects.toThrow("skipFirst must be an integer ≥ 0, got 0.5.");
  });
});

test("swapped pictures: the teacher sees the views in the place of the student's pictures", async () => {
  const seen: string[][] = [];
  const spy = (policy: Policy): Policy => ({
    ...policy,
    completionStates(sequences, options) {
      seen.push(sequences.map(({ prompt }) => prompt.patches.map(({ key }) => key).join(" and ")));
      return policy.completionStates(sequences, options);
    },
  });
  const run = async (pictures: TrainSettings["pictures"]) => {
    const reveal = { evidence: true, groundTruth: false };
    const { trainer, dispose } = open({ pictures, reveal, batchSize: 1 }, examples(), spy);
    seen.length = 0;
    const { recordId } = (await trainer.next()).rollouts[0]!;
    dispose();
    const index = Number(recordId.slice("record-".length));
    const key = (shade: number) => `2x2:${plainImage(shade).data.join()}`;
    return { asked: seen.map(([first]) => first), picture: key(40 * index), view: key(255 - 40 * index) };
  };
  const shared = await run("shared");
  expect(shared.asked).toEqual([`${shared.picture} and ${shared.view}`, shared.picture]);
  const swapped = await run("swapped");
  expect(swapped.asked).toEqual([swapped.view, swapped.picture]);
});

test("a state of other data is refused", async () => {
  const one = open();
  const state = await one.trainer.exportState();
  one.dispose();
  const other = open({}, examples(5));
  expect(() => other.trainer.importState(state)).toThrow(
    "trainer.importState: the data changed since the checkpoint (toy-6 then, toy-5 now).",
  );
  other.dispose();
});

test.each<keyof PromptTemplates>([
  "student",
  "hiddenAnswer",
  "hiddenSolution",
  "hiddenDemonstration",
  "demonstrationLabel",
])("a state of a run with another wording of %s is refused", async (name) => {
  const one = open();
  const files = memoryFiles();
  await saveTrainerState(await one.trainer.exportState(), files);
  one.dispose();
  const templates = { ...promptTemplates, [name]: { ...promptTemplates[name], text: "Look." } };
  const [then, now] = [promptTemplates, templates].map(fingerprintTemplates);
  const state = await loadTrainerState(files);
  const other = open({ templates });
  expect(() => other.trainer.importState(state)).toThrow(
    `trainer.importState: the wording of the prompts changed since the checkpoint (${then} then, ${now} now).`,
  );
  other.dispose();
  const same = open({ templates: { ...promptTemplates } });
  same.trainer.importState(state);
  same.dispose();
});

test("no tensor is left over from 50 steps", async () => {
  const { trainer, dispose } = open({ sampling: { ...settings.sampling, maxTokens: 2 } });
  await trainer.next();
  const before = tf.memory().numTensors;
  for (let step = 0; step < 50; step++) await trainer.next();
  expect(tf.memory().numTensors).toBe(before);
  dispose();
});

test("a gradient that is not finite changes nothing and is counted; five in a row stop the run", async () => {
  const broken = (policy: Policy): Policy => ({
    ...policy,
    head: {
      ...policy.head,
      backward(states, dLogits, options) {
        const { states: exact, trainable } = policy.head.backward(states, dLogits, options);
        exact.dispose();
        return { states: tf.fill(states.shape, Number.POSITIVE_INFINITY), trainable };
      },
    },
  });
  const { trainer, policy, dispose } = open({}, examples(), broken);
  const before = weightsOf(policy);
  const first = await trainer.next();
  expect(first.applied).toBe(false);
  expect(first.metrics.optimiser!.skippedSteps).toBe(1);
  expect(weightsOf(policy)).toEqual(before);
  for (let step = 0; step < 3; step++) await trainer.next();
  await expect(trainer.next()).rejects.toThrow("the gradient was not finite in 5 steps in a row (last: step 5).");
  dispose();
});

describe("records that lack what the teacher should see", () => {
  const solving = { reveal: { evidence: true, groundTruth: "solution" }, batchSize: 6 } as const;
  const halfSolved = (): ExampleSource => {
    const data = examples();
    const solution = "It stands there. So it is that.";
    return { ...data, load: async (index) => ({ ...(await data.load(index)), ...(index % 2 === 0 && { solution }) }) };
  };
  test("a solution: error names it, skip leaves out, reduce keeps the views and shows no answer instead", async () => {
    const strict = open(solving, halfSolved());
    await expect(strict.trainer.next()).rejects.toThrow(
      'reveal.groundTruth is "solution", but the record has no solution.',
    );
    strict.dispose();
    const skipping = open({ ...solving, missingPrivilege: "skip" }, halfSolved());
    const { metrics, rollouts } = await skipping.trainer.next();
    expect(metrics.data!.droppedMissingPrivilege).toBe(3);
    expect(new Set(rollouts.map(({ recordId }) => recordId))).toEqual(new Set(["record-0", "record-2", "record-4"]));
    skipping.dispose();
    const reducing = open({ ...solving, missingPrivilege: "reduce" }, halfSolved());
    expect((await reducing.trainer.next()).metrics.data!.records).toBe(6);
    reducing.dispose();
  });
  test.each([
    ["answer", true],
    ["solution", "solution"],
  ] as const)("a blank %s is none", async (field, groundTruth) => {
    const data = examples();
    const blanks = ["", " \n"];
    const load = async (index: number): Promise<Example> => ({
      ...(await data.load(index)),
      [field]: blanks[index] ?? "it is red",
    });
    const stepWith = async (missingPrivilege: TrainSettings["missingPrivilege"]) => {
      const reveal = { evidence: true, groundTruth };
      const { trainer, dispose } = open({ reveal, missingPrivilege, batchSize: 6 }, { ...data, load });
      try {
        return (await trainer.next()).metrics.data!;
      } finally {
        dispose();
      }
    };
    await expect(stepWith("error")).rejects.toThrow(`but the record has no ${field}.`);
    expect(await stepWith("skip")).toMatchObject({ records: 4, droppedMissingPrivilege: 2 });
    expect(await stepWith("reduce")).toMatchObject({ records: 6, droppedMissingPrivilege: 0 });
  });
  const incomplete = (): ExampleSource => {
    const data = examples();
    return { ...data, load: async (index) => ({ ...(await data.load(index)), ...(index % 2 === 0 && { views: [] }) }) };
  };
  test("error: the run stops with the reason", async () => {
    const { trainer, dispose } = open({ batchSize: 6 }, incomplete());
    await expect(trainer.next()).rejects.toThrow(/reveal\.evidence is true, but the record has no views/);
    dispose();
  });
  test("skip: they are left out and counted", async () => {
    const { trainer, dispose } = open({ batchSize: 6, missingPrivilege: "skip" }, incomplete());
    const { metrics, rollouts } = await trainer.next();
    expect(metrics.data!.droppedMissingPrivilege).toBe(3);
    expect(new Set(rollouts.map(({ recordId }) => recordId))).toEqual(new Set(["record-1", "record-3", "record-5"]));
    dispose();
  });
  test("reduce: they are kept with what there is", async () => {
    const { trainer, dispose } = open({ batchSize: 6, missingPrivilege: "reduce" }, incomplete());
    const { metrics } = await trainer.next();
    expect(metrics.data!.records).toBe(6);
    expect(metrics.data!.recordsWithoutViews).toBe(3);
    dispose();
  });
});

test("grpo: only completions of groups with unequal rewards move the policy", async () => {
  const equal = open({ objective: { kind: "grpo", rewardOf: () => 1 } });
  expect((await equal.trainer.next()).metrics.optimiser!.gradientNorm).toBe(0);
  equal.dispose();
  const byLength = open({ objective: { kind: "grpo", rewardOf: (text) => -text.length } });
  const lengths: number[] = [];
  for (let step = 0; step < 60; step++) lengths.push((await byLength.trainer.next()).metrics.rollout!.lengthMean!);
  const mean = (values: number[]) => values.reduce((a, b) => a + b) / values.length;
  expect(mean(lengths.slice(50))).toBeLessThan(mean(lengths.slice(0, 10)) - 1);
  byLength.dispose();
});

test("sft: the given completions become likely", async () => {
  const { trainer, dispose } = open({ objective: { kind: "sft", completionOf: () => Int32Array.of(4, 7, 1) } });
  let last = 0;
  for (let step = 0; step < 60; step++) last = (await trainer.next()).metrics.optimiser!.loss!;
  expect(last).toBeLessThan(0.8);
  dispose();
});

describe("train", () => {
  test("events: self-test, steps, end; break leaves the trainer usable", async () => {
    const { trainer, dispose } = open();
    const events: string[] = [];
    for await (const event of train(trainer, { totalSteps: 3 })) {
      events.push(event.type);
      if (event.type === "step-finished" && event.step === 2) break;
    }
    expect(events).toEqual(["self-test-passed", "step-finished", "step-finished"]);
    const rest = [];
    for await (const event of train(trainer, { totalSteps: 3 }))
      rest.push([event.type, "step" in event ? event.step : 0]);
    expect(rest).toEqual([
      ["step-finished", 3],
      ["run-finished", 3],
    ]);
    dispose();
  });
  test("an aborted signal stops between steps", async () => {
    const { trainer, dispose } = open();
    const controller = new AbortController();
    const run = async () => {
      for await (const event of train(trainer, { totalSteps: 9, signal: controller.signal })) {
        if (event.type === "step-finished") controller.abort();
      }
    };
    await expect(run()).rejects.toMatchObject({ code: "aborted" });
    expect(trainer.step).toBe(1);
    dispose();
  });
});

test("too little data for one batch is refused", () => {
  expect(() => open({ batchSize: 7 })).toThrow("the data hold 6 examples, less than one batch of 7.");
});
