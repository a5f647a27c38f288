import "@tensorflow/tfjs-backend-cpu";
import { type DivergenceOptions, divergence, prefixWeights, tokenLogProbs } from "@imagine-opd/distillation-loss";
import { createTeacher, type TeacherKind } from "@imagine-opd/privileged-teacher";
import type { Example, ExampleSource } from "@imagine-opd/protocol";
import type { Policy, ScoredSequence } from "@imagine-opd/protocol/policy";
import { registerCoreGradients } from "@imagine-opd/tensor-ops";
import { createToyPolicy, createToyProcessor, plainImage } from "@imagine-opd/test-kit";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import { groupAdvantages } from "./group-advantages.ts";
import type { LossSettings } from "./loss-settings.ts";
import type { DistributionDivergence, RatioChoice, SampledReverseKl } from "./objective.ts";
import { presets } from "./presets.ts";
import type { TrainSettings } from "./settings.ts";
import type { StepResult } from "./train-step.ts";
import { createTrainer } from "./trainer.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
  registerCoreGradients();
});

const vocabSize = 12;
const processor = createToyProcessor(vocabSize);
const load = async (index: number): Promise<Example> => ({
  id: `record-${index}`,
  images: [plainImage(40 * index)],
  question: `what is number ${index}`,
  answer: `answer ${index}`,
  views: [plainImage(255 - 40 * index)],
});
const examples: ExampleSource = { size: 3, fingerprint: "toy", load };
const openPolicy = () => createToyPolicy({ vocabSize, contextLength: 400, seed: 5 });

const settings: TrainSettings = {
  ...presets["imagine-opd"].settings,
  sampling: { temperature: 1, maxTokens: 12, rolloutsPerPrompt: 2 },
  batchSize: 3,
  microBatchSize: 6,
  seed: 3,
};

interface Step extends StepResult {
  /** `[N]` of all rollouts. */
  readonly student: readonly number[];
  readonly teacher: readonly number[];
  readonly lengths: readonly number[];
  readonly loss: number;
  readonly norm: number;
  /** What the policy was asked to score, call by call. */
  readonly asked: readonly (readonly ScoredSequence[])[];
}

/** One step from the same weights and the same random numbers every time. */
async function takeStep(
  form: SampledReverseKl | DistributionDivergence,
  loss: LossSettings = { reduction: "token-mean" },
  changes: Partial<TrainSettings> = {},
  change = (policy: Policy) => policy,
): Promise<Step> {
  const asked: (readonly ScoredSequence[])[] = [];
  const policy = openPolicy();
  const spied = change({
    ...policy,
    completionStates(sequences, options) {
      asked.push(sequences);
      return policy.completionStates(sequences, options);
    },
  });
  const kind: TeacherKind = { kind: "frozen", from: "snapshot" };
  const teacher = createTeacher(spied, kind);
  const objective = { kind: "opd", divergence: form } as const;
  const all = { ...settings, ...changes, objective, loss };
  const trainer = createTrainer({ policy: spied, processor, teacher, examples, settings: all });
  try {
    const result = await trainer.next();
    const { loss: value, gradientNorm } = result.metrics.optimiser!;
    return {
      ...result,
      student: result.rollouts.flatMap(({ logProbs }) => Array.from(logProbs)),
      teacher: result.rollouts.flatMap(({ teacherLogProbs }) => Array.from(teacherLogProbs!)),
      lengths: result.rollouts.map(({ tokenIds }) => tokenIds.length),
      loss: value!,
      norm: gradientNorm!,
      asked,
    };
  } finally {
    trainer.dispose();
    teacher.dispose();
    policy.dispose();
  }
}

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
const mean = (values: readonly number[]) => sum(values) / values.length;
const sampled: SampledReverseKl = { kind: "sampled-reverse-kl" };

const reductions: [LossSettings, (perSequence: readonly number[][]) => number][] = [
  [{ reduction: "token-mean" }, (k1) => mean(k1.flat())],
  [{ reduction: "sequence-mean" }, (k1) => mean(k1.map(mean))],
  [{ reduction: "constant-length", constantLength: 10 }, (k1) => sum(k1.flat()) / (10 * k1.length)],
  [{ reduction: "sum" }, (k1) => sum(k1.flat())],
];

describe.each(reductions)("$reduction", (loss, expected) => {
  test("is what its formula says, and micro-batches add up to it", async () => {
    const whole = await takeStep(sampled, loss);
    let from = 0;
    const k1 = whole.lengths.map((length) => {
      from += length;
      return whole.student.slice(from - length, from).map((s, i) => s - whole.teacher[from - length + i]!);
    });
    expect(new Set(whole.lengths).size).toBeGreaterThan(1);
    expect(whole.loss).toBeCloseTo(expected(k1), 4);
    for (const microBatchSize of [4, 1]) {
      const parts = await takeStep(sampled, loss, { microBatchSize });
      expect(parts.loss).toBeCloseTo(whole.loss, 4);
      expect(parts.norm / whole.norm).toBeCloseTo(1, 4);
    }
  });
});

// A sampler that draws from other logits than the student's: an update in between, or other numerics.
const offPolicy = (policy: Policy): Policy => ({
  ...policy,
  startDecoding(...args) {
    const session = policy.startDecoding(...args);
    const halve = (logits: tf.Tensor2D) => tf.tidy(() => tf.mul<tf.Tensor2D>(logits, 0.5));
    return {
      next: (ids) => halve(session.next(ids)),
      append: (prompts) => halve(session.append(prompts)),
      select: (rows) => session.select(rows),
      get lengths() {
        return session.lengths;
      },
      dispose: () => session.dispose(),
    };
  },
});

describe("the sampled form", () => {
  test("advantageClip bounds every advantage", async () => {
    const { loss, student, teacher, metrics } = await takeStep({ ...sampled, advantageClip: 0.2 });
    const k1 = student.map((s, i) => s - teacher[i]!);
    expect(loss).toBeCloseTo(mean(k1.map((value) => Math.min(0.2, Math.max(-0.2, value)))), 5);
    expect(metrics.policy!.clippedAdvantages).toBeCloseTo(mean(k1.map((value) => (Math.abs(value) > 0.2 ? 1 : 0))), 6);
  });

  test("the expected baseline takes KL(student‖teacher) off, place by place", async () => {
    const bans = { reduction: "token-mean", bannedTokenIds: [] } as const;
    const plain = await takeStep(sampled, bans);
    const { metrics } = await takeStep({ kind: "reverse-kl" });
    const based = await takeStep({ ...sampled, baseline: "expected" }, bans);
    expect(based.rollouts.map(({ tokenIds }) => tokenIds)).toEqual(plain.rollouts.map(({ tokenIds }) => tokenIds));
    expect(based.loss).toBeCloseTo(plain.loss - metrics.signal!.divergence!, 5);
    expect(based.norm).not.toBeCloseTo(plain.norm, 3);
  });

  test("prefixGamma weighs early tokens by the disagreements that follow", async () => {
    const { loss, student, teacher, lengths } = await takeStep({ ...sampled, prefixGamma: 0.5 });
    const k1 = student.map((s, i) => s - teacher[i]!);
    const weights = prefixWeights(Float32Array.from(k1), { lengths: Int32Array.from(lengths), gamma: 0.5 });
    expect(loss).toBeCloseTo(mean(k1.map((value, i) => weights[i]! * value)), 5);
    expect(weights[0]).toBe(1.5);
  });

  // The teacher sees what the student sees and has its weights: its log-probs are those that the student has now.
  const blind = { reveal: { evidence: false, groundTruth: false } };
  const ratios = ({ student, teacher }: Step) => teacher.map((now, i) => Math.exp(now - student[i]!));

  test("ratio \"sampler\" is the student's probability over the sampler's", async () => {
    const one = await takeStep(sampled, undefined, blind, offPolicy);
    expect([one.metrics.policy!.rhoMean, one.metrics.policy!.rhoMax]).toEqual([1, 1]);
    const off = await takeStep({ ...sampled, ratio: "sampler" }, undefined, blind, offPolicy);
    expect(off.metrics.policy!.rhoMean).toBeCloseTo(mean(ratios(off)), 4);
    expect(off.metrics.policy!.rhoMax).toBeGreaterThan(1.5);
  });

  test("importanceCap weighs by the same ratio, up to the cap", async () => {
    // With the picture hidden from the teacher its log-probs would be others, so k1 comes from two steps.
    const plain = await takeStep(sampled, undefined, {}, offPolicy);
    const now = await takeStep(sampled, undefined, blind, offPolicy);
    const weighed = await takeStep({ ...sampled, importanceCap: 1.2 }, undefined, {}, offPolicy);
    const capped = ratios(now).map((ratio) => Math.min(ratio, 1.2));
    const k1 = now.teacher.map((student, i) => student - plain.teacher[i]!);
    expect(weighed.loss).toBeCloseTo(mean(k1.map((value, i) => capped[i]! * value)), 4);
    expect(weighed.metrics.policy!.clippedImportance).toBeCloseTo(
      mean(ratios(now).map((ratio) => (ratio > 1.2 ? 1 : 0))),
      6,
    );
  });

  test("on policy the ratio is 1 and all of it is inert", async () => {
    const plain = await takeStep(sampled);
    const clip = { low: 0.2, high: 0.3, dual: 3 };
    const all = await takeStep({ ...sampled, ratio: "sampler", clip, importanceCap: 2 });
    expect(all.loss).toBeCloseTo(plain.loss, 5);
    expect(all.norm / plain.norm).toBeCloseTo(1, 4);
    expect(all.metrics.policy).toMatchObject({ clippedShare: 0, clippedImportance: 0 });
  });
});

describe("grpo", () => {
  const rewardOf = (text: string) => text.length;

  /** One step of a policy whose sampler draws from other logits, with the student's log-probs as they are now. */
  async function takeRewardStep(part: RatioChoice) {
    const asked: (readonly ScoredSequence[])[] = [];
    const policy = openPolicy();
    const spied = offPolicy({
      ...policy,
      completionStates(sequences, options) {
        asked.push(sequences);
        return policy.completionStates(sequences, options);
      },
    });
    const objective = { kind: "grpo", rewardOf, ...part } as const;
    const trainer = createTrainer({ policy: spied, processor, examples, settings: { ...settings, objective } });
    try {
      const fresh = openPolicy();
      const { metrics, rollouts } = await trainer.next();
      const tokens = Int32Array.from(rollouts.flatMap(({ tokenIds }) => Array.from(tokenIds)));
      const states = fresh.completionStates(asked[0]!);
      const { logProbs } = await tokenLogProbs(states, { head: fresh.head, tokens });
      fresh.dispose();
      const sampler = rollouts.flatMap(({ logProbs: each }) => Array.from(each));
      const advantages = [
        ...groupAdvantages(
          rollouts.map(({ text }) => rewardOf(text)),
          2,
        ),
      ];
      return {
        loss: metrics.optimiser!.loss!,
        policy: metrics.policy!,
        ratios: Array.from(logProbs, (now, i) => Math.exp(now - sampler[i]!)),
        advantages: rollouts.flatMap(({ tokenIds }, i) => Array.from(tokenIds, () => advantages[i]!)),
      };
    } finally {
      trainer.dispose();
      policy.dispose();
    }
  }

  test("ρ is 1, or the sampler's ratio where that is asked for", async () => {
    const one = await takeRewardStep({});
    expect(one.loss).toBeCloseTo(-mean(one.advantages), 5);
    const { loss, policy, ratios, advantages } = await takeRewardStep({ ratio: "sampler" });
    expect(Math.max(...ratios)).toBeGreaterThan(1.5);
    expect(loss).toBeCloseTo(-mean(advantages.map((advantage, i) => advantage * ratios[i]!)), 4);
    expect(policy.rhoMean).toBeCloseTo(mean(ratios), 4);
  });

  test("importanceCap weighs by the ratio, up to the cap", async () => {
    const { loss, policy, ratios, advantages } = await takeRewardStep({ importanceCap: 1.2 });
    expect(loss).toBeCloseTo(-mean(advantages.map((advantage, i) => advantage * Math.min(ratios[i]!, 1.2))), 4);
    expect(policy.clippedImportance).toBeCloseTo(mean(ratios.map((ratio) => (ratio > 1.2 ? 1 : 0))), 6);
  });
});

/** The same loss by one call of distillation-loss on the logits of everything that was scored. */
async function recompute({ asked, rollouts }: Step, options: Omit<DivergenceOptions, "tokens">): Promise<number> {
  const policy = openPolicy();
  const [teacher, student] = asked.map((sequences) => policy.head.logits(policy.completionStates(sequences)));
  const tokens = Int32Array.from(rollouts.flatMap(({ tokenIds }) => Array.from(tokenIds)));
  const { loss } = divergence(student!, teacher!, {
    banned: Int32Array.of(0),
    ...options,
    tokens,
  } as DivergenceOptions);
  const [value] = await loss.data();
  policy.dispose();
  return value!;
}

const jsd = { kind: "jsd", beta: 0.5 } as const;
const topK = { support: "union", k: 3, mass: "renormalise" } as const;
const forms: [string, DistributionDivergence, LossSettings, Omit<DivergenceOptions, "tokens">][] = [
  [
    "end-point normalisation",
    { ...jsd, beta: 0.1, normalize: "endpoint" },
    { reduction: "token-mean" },
    { divergence: { ...jsd, beta: 0.1, normalize: "endpoint" } },
  ],
  [
    "a token's clip",
    { kind: "reverse-kl", clip: { kind: "preserve-direction", limit: 0.1 } },
    { reduction: "token-mean" },
    { divergence: { kind: "reverse-kl" }, clip: { kind: "preserve-direction", limit: 0.1 } },
  ],
  [
    "an entry's limit on a renormalised support",
    { ...jsd, topK, clip: { kind: "vocabulary-entry", limit: 0.05 } },
    { reduction: "token-mean" },
    { divergence: jsd, topK, clip: { kind: "vocabulary-entry", limit: 0.05 } },
  ],
  [
    "a loss temperature, scaled",
    { kind: "forward-kl", temperatureScaling: "squared" },
    { reduction: "token-mean", temperature: 2 },
    { divergence: { kind: "forward-kl" }, temperature: 2, temperatureScaling: "squared" },
  ],
  [
    "banned ids",
    { kind: "forward-kl" },
    { reduction: "sum", bannedTokenIds: [3, 4] },
    { divergence: { kind: "forward-kl" }, reduction: "sum", banned: Int32Array.of(0, 3, 4) },
  ],
  [
    "chunks of rows and of the vocabulary",
    { ...jsd, topK: { support: "student", k: 4, mass: "tail" } },
    { reduction: "token-mean", chunkRows: 2, chunkVocabulary: 5 },
    { divergence: jsd, topK: { support: "student", k: 4, mass: "tail" } },
  ],
];

describe("divergences between distributions", () => {
  test.each(forms)("%s: the loss is that of one call on all logits", async (_name, form, loss, options) => {
    const step = await takeStep(form, loss);
    expect(step.asked).toHaveLength(2);
    expect(step.loss).toBeCloseTo(await recompute(step, options), 5);
  });

  test("chunks change neither value nor gradient", async () => {
    const whole = await takeStep(jsd);
    const cut = await takeStep(jsd, { reduction: "token-mean", chunkRows: 2, chunkVocabulary: 5 });
    expect(cut.loss).toBeCloseTo(whole.loss, 6);
    expect(cut.norm / whole.norm).toBeCloseTo(1, 5);
  });

  test("banned ids are never drawn, in the sampled form neither", async () => {
    const bans = { reduction: "token-mean", bannedTokenIds: [3, 4, 5] } as const;
    for (const form of [jsd, sampled]) {
      const free = (await takeStep(form)).rollouts.flatMap(({ tokenIds }) => Array.from(tokenIds));
      const { rollouts } = await takeStep(form, bans);
      const drawn = rollouts.flatMap(({ tokenIds }) => Array.from(tokenIds));
      expect(free.some((id) => bans.bannedTokenIds.includes(id as 3))).toBe(true);
      expect(drawn.some((id) => bans.bannedTokenIds.includes(id as 3))).toBe(false);
    }
  });

  test("clips, masses and overlap are among the metrics", async () => {
    const { metrics } = await takeStep({
      ...jsd,
      topK: { support: "student", k: 3, mass: "tail" },
      clip: { kind: "zero-gradient", limit: 0.01 },
      importanceCap: 2,
    });
    const { clippedShare, clippedImportance, studentMass, teacherMass, tailMass, overlap } = metrics.policy!;
    expect(clippedShare).toBeGreaterThan(0.3);
    expect(clippedImportance).toBe(0);
    expect((studentMass as number) + (tailMass as number)).toBeCloseTo(1, 5);
    expect(teacherMass).toBeLessThan(studentMass as number);
    expect(overlap).toBeGreaterThan(0.3);
    expect(overlap).toBeLessThan(1);
  });
});

test.each<[string, Partial<TrainSettings>]>([
  ["skipFirst must be an integer ≥ 0, got 0.5.", { skipFirst: 0.5 }],
  [
    'loss.reduction must be one of token-mean, sequence-mean, constant-length, sum, got "mean".',
    { loss: { reduction: "mean" } as never },
  ],
  ["loss.constantLength belongs to the reduction constant-length", { loss: { reduction: "constant-length" } as never }],
  ["loss.temperature must be a number > 0, got 0.", { loss: { reduction: "sum", temperature: 0 } }],
  [
    "an id of loss.bannedTokenIds must be an integer ≥ 0, got -1.",
    { loss: { reduction: "sum", bannedTokenIds: [-1] } },
  ],
  ["loss.chunkVocabulary must be an integer ≥ 1, got 0.", { loss: { reduction: "sum", chunkVocabulary: 0 } }],
  [
    'ratio must be one of one, sampler, got "two".',
    { objective: { kind: "opd", divergence: { ...sampled, ratio: "two" as never } } },
  ],
  [
    'ratio must be one of one, sampler, got "two".',
    { objective: { kind: "grpo", rewardOf: () => 0, ratio: "two" as never } },
  ],
  [
    "importance and prefix weights need the sampler's temperature 1, got loss.temperature 2.",
    {
      objective: { kind: "grpo", rewardOf: () => 0, importanceCap: 2 },
      loss: { reduction: "sum", temperature: 2 },
    },
  ],
  [
    "prefixGamma must be a number ≥ 0, got -1.",
    { objective: { kind: "opd", divergence: { ...sampled, prefixGamma: -1 } } },
  ],
  [
    'the clip "vocabulary-entry" bounds single ids and does not go with the tail of topK. Use mass "renormalise"',
    {
      objective: {
        kind: "opd",
        divergence: { ...jsd, topK: { ...topK, mass: "tail" }, clip: { kind: "vocabulary-entry", limit: 1 } },
      },
    },
  ],
  [
    "importance and prefix weights need sampling from the whole distribution, got topP.",
    {
      objective: { kind: "opd", divergence: { ...jsd, importanceCap: 2 } },
      sampling: { ...settings.sampling, topP: 0.9 },
    },
  ],
  [
    "importance and prefix weights need the sampler's temperature 1, got loss.temperature 2.",
    {
      objective: { kind: "opd", divergence: { ...sampled, prefixGamma: 0.5 } },
      loss: { reduction: "sum", temperature: 2 },
    },
  ],
])("%s", (message, changes) => {
  const policy = openPolicy();
  const all = { ...settings, ...changes };
  expect(() => createTrainer({ policy, processor, examples, settings: all })).toThrow(
    `trainer.createTrainer: ${message}`,
  );
  policy.dispose();
});
