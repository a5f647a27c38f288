import "@tensorflow/tfjs-backend-cpu";
import { createTeacher, type ScoreRequest } from "@imagine-opd/privileged-teacher";
import type { Example, ExampleSource } from "@imagine-opd/protocol";
import type { ScoredSequence } from "@imagine-opd/protocol/policy";
import { registerCoreGradients } from "@imagine-opd/tensor-ops";
import { createToyPolicy, createToyProcessor, plainImage } from "@imagine-opd/test-kit";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import type { DistributionDivergence, SampledReverseKl, ViewContrast } from "./objective.ts";
import { presets } from "./presets.ts";
import type { TrainSettings } from "./settings.ts";
import { createTrainer } from "./trainer.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
  registerCoreGradients();
});

const vocabSize = 12;
const processor = createToyProcessor(vocabSize);
const viewOf = (index: number) => plainImage(255 - 40 * index);
const keyOf = (image: { readonly data: Uint8Array }) => `2x2:${image.data.join()}`;
const load = async (index: number): Promise<Example> => ({
  id: `record-${index}`,
  images: [plainImage(40 * index)],
  question: `what is number ${index}`,
  views: [viewOf(index)],
});
const examples: ExampleSource = { size: 3, fingerprint: "toy", load };
const settings: TrainSettings = {
  ...presets["imagine-opd"].settings,
  reveal: { evidence: true, groundTruth: false },
  sampling: { temperature: 1, maxTokens: 6, rolloutsPerPrompt: 3 },
  batchSize: 3,
  microBatchSize: 9,
  seed: 3,
};

interface Call {
  readonly want: ScoreRequest["want"];
  readonly sequences: readonly ScoredSequence[];
  readonly logProbs: readonly number[];
}

/** One step from the same weights and random numbers every time, with every answer of the teacher. */
async function takeStep(
  form: SampledReverseKl | DistributionDivergence,
  changes: Partial<TrainSettings> = {},
  data: ExampleSource = examples,
  { signal, onScored }: { readonly signal?: AbortSignal; readonly onScored?: () => void } = {},
) {
  const policy = createToyPolicy({ vocabSize, contextLength: 400, seed: 5 });
  const teacher = createTeacher(policy, { kind: "frozen", from: "snapshot" });
  const calls: Call[] = [];
  const spied: typeof teacher = {
    ...teacher,
    weights: teacher.weights,
    async score(sequences, ask) {
      const scores = await teacher.score(sequences, ask);
      calls.push({ want: ask.want, sequences, logProbs: "logProbs" in scores ? [...scores.logProbs] : [] });
      onScored?.();
      return scores;
    },
  };
  const all = { ...settings, ...changes, objective: { kind: "opd", divergence: form } as const };
  const trainer = createTrainer({ policy, processor, teacher: spied, examples: data, settings: all });
  const before = tf.memory().numTensors;
  try {
    const { metrics, rollouts } = await trainer.next(signal && { signal });
    const { loss, gradientNorm } = metrics.optimiser!;
    const lengths = rollouts.map(({ tokenIds }) => tokenIds.length);
    const kept = tf.memory().numTensors - before;
    return { metrics, rollouts, lengths, calls, kept, loss: loss!, norm: gradientNorm! };
  } finally {
    trainer.dispose();
    teacher.dispose();
    policy.dispose();
  }
}

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
const sampled: SampledReverseKl = { kind: "sampled-reverse-kl" };
const shuffled: ViewContrast = { wrong: "shuffled" };

/** The published formula, sequence by sequence: one weight a completion, from the tokens that count. */
function weightsByHand(
  right: readonly number[],
  wrong: readonly number[],
  lengths: readonly number[],
  { groupSize = 3, counts = right.map(() => true) } = {},
) {
  let from = 0;
  const scores = lengths.map((length) => {
    from += length;
    const rows = Array.from({ length }, (_, t) => from - length + t).filter((row) => counts[row]);
    const evidence = rows.map((row) => right[row]! - wrong[row]!);
    return rows.length === 0 ? undefined : mean(evidence.map((d) => Math.max(d, 0) - Math.max(-d, 0)));
  });
  return scores.map((score, i) => {
    const first = groupSize * Math.floor(i / groupSize);
    const group = scores.slice(first, first + groupSize).filter((other) => other !== undefined);
    if (score === undefined || group.length === 1) return 1;
    const deviation = Math.sqrt(mean(group.map((other) => (other - mean(group)) ** 2)));
    return Math.min(Math.max(1 + (0.5 * (score - mean(group))) / deviation, 0), 2);
  });
}

describe("viewContrast", () => {
  test("weighs each completion by what the right views add to wrong ones, against its prompt's others", async () => {
    const { loss, lengths, calls, rollouts, metrics, kept } = await takeStep({ ...sampled, viewContrast: shuffled });
    const [right, wrong, scored] = calls;
    expect(calls).toHaveLength(3);
    expect(scored!.logProbs).toEqual(right!.logProbs);
    const weights = weightsByHand(right!.logProbs, wrong!.logProbs, lengths);
    expect(Math.max(...weights) - Math.min(...weights)).toBeGreaterThan(0.5);
    const perToken = weights.flatMap((weight, i) => Array.from({ length: lengths[i]! }, () => weight));
    const k1 = rollouts.flatMap(({ logProbs }) => Array.from(logProbs)).map((s, i) => s - right!.logProbs[i]!);
    expect(loss).toBeCloseTo(mean(k1.map((value, i) => perToken[i]! * value)), 5);
    const gains = right!.logProbs.map((value, i) => value - wrong!.logProbs[i]!);
    expect(metrics.signal!.informationGain).toBeCloseTo(mean(gains), 5);
    expect(metrics.signal!.k1TokenMean).toBeCloseTo(mean(k1), 5);
    expect(kept).toBe(0);
  });

  test("shuffled views are another record's of the step, behind the record's own picture", async () => {
    const { calls, rollouts } = await takeStep({ ...sampled, viewContrast: shuffled });
    for (const [i, { prompt, completion }] of calls[1]!.sequences.entries()) {
      const own = Number(rollouts[i]!.recordId.slice("record-".length));
      const others = [0, 1, 2].filter((index) => index !== own).map((index) => keyOf(viewOf(index)));
      const [picture, view, ...rest] = prompt.patches.map(({ key }) => key);
      expect([picture, rest]).toEqual([keyOf(plainImage(40 * own)), []]);
      expect(others).toContain(view);
      expect(completion).toEqual(rollouts[i]!.tokenIds);
    }
  });

  test("blank views are grey of the same size", async () => {
    const { calls } = await takeStep({ ...sampled, viewContrast: { wrong: "blank" } }, { batchSize: 1 });
    for (const { prompt } of calls[1]!.sequences) expect(prompt.patches[1]!.key).toBe(keyOf(plainImage(128)));
  });

  test("micro-batches that cut groups give the same loss and gradient", async () => {
    const form = { ...sampled, viewContrast: shuffled };
    const whole = await takeStep(form);
    for (const microBatchSize of [4, 1]) {
      const parts = await takeStep(form, { microBatchSize });
      expect(parts.loss).toBeCloseTo(whole.loss, 5);
      expect(parts.norm / whole.norm).toBeCloseTo(1, 4);
    }
  });

  test.each<DistributionDivergence>([{ kind: "reverse-kl" }, { kind: "jsd", beta: 0.5 }])(
    "weighs $kind between distributions too; strength 0 weighs nothing",
    async (form) => {
      const plain = await takeStep(form);
      const inert = await takeStep({ ...form, viewContrast: { wrong: "noise", strength: 0 } });
      expect(inert.loss).toBe(plain.loss);
      const weighed = await takeStep({ ...form, viewContrast: { wrong: "noise" } });
      expect(weighed.calls.map(({ want }) => want)).toEqual(["sampled", "sampled", "states"]);
      expect(weighed.loss).not.toBeCloseTo(plain.loss, 4);
      expect(weighed.metrics.signal!.divergence).toBeCloseTo(plain.metrics.signal!.divergence!, 6);
    },
  );

  test("a completion of weight 0 is masked, and still counts in the normalizer", async () => {
    const form = { ...sampled, viewContrast: { ...shuffled, strength: 50 } };
    const { loss, calls, lengths, rollouts, metrics } = await takeStep(form, {
      sampling: { ...settings.sampling, rolloutsPerPrompt: 2 },
    });
    const byHand = weightsByHand(calls[0]!.logProbs, calls[1]!.logProbs, lengths, { groupSize: 2 });
    // Of two completions one lies a standard deviation above their mean, the other below.
    const weights = byHand.map((weight) => (weight > 1 ? 2 : 0));
    expect(weights.filter((weight) => weight === 0)).toHaveLength(3);
    const total = lengths.reduce((a, b) => a + b, 0);
    const masked = lengths.filter((_, i) => weights[i] === 0).reduce((a, b) => a + b, 0);
    expect(metrics.rollout!.maskedShare).toBeCloseTo(masked / total, 6);
    expect(metrics.policy!.samplerDifference).toBeLessThan(1e-5);
    const perToken = weights.flatMap((weight, i) => Array.from({ length: lengths[i]! }, () => weight));
    const k1 = rollouts.flatMap(({ logProbs }) => Array.from(logProbs)).map((s, i) => s - calls[0]!.logProbs[i]!);
    expect(loss).toBeCloseTo(mean(k1.map((value, i) => perToken[i]! * value)), 5);
  });

  test.each<[string, Partial<TrainSettings>, counts: (t: number, stopReason: string) => boolean]>([
    ["skipFirst", { skipFirst: 2 }, (t) => t >= 2],
    [
      "truncated",
      { truncated: "drop", sampling: { ...settings.sampling, maxTokens: 20 } },
      (_, stopReason) => stopReason === "stop",
    ],
  ])("tokens that %s leaves out move no weight", async (_name, changes, counting) => {
    const { loss, lengths, calls, rollouts } = await takeStep({ ...sampled, viewContrast: shuffled }, changes);
    const [{ logProbs: right }, { logProbs: wrong }] = calls as [Call, Call];
    const counts = rollouts.flatMap(({ tokenIds, stopReason }) =>
      Array.from(tokenIds, (_, t) => counting(t, stopReason)),
    );
    const weights = weightsByHand(right, wrong, lengths, { counts });
    expect(weights).not.toEqual(weightsByHand(right, wrong, lengths));
    const perToken = weights.flatMap((weight, i) => Array.from({ length: lengths[i]! }, () => weight));
    const k1 = rollouts.flatMap(({ logProbs }) => Array.from(logProbs)).map((s, i) => s - right[i]!);
    const terms = k1.map((value, i) => perToken[i]! * value).filter((_, i) => counts[i]);
    expect(terms.length).toBeLessThan(k1.length);
    expect(loss).toBeCloseTo(mean(terms), 5);
  });

  test.each<[string, ViewContrast, Partial<TrainSettings>]>([
    ['viewContrast.wrong must be one of shuffled, blank, noise, got "none".', { wrong: "none" as never }, {}],
    ["viewContrast.limit must be a number > 0, got 0.", { ...shuffled, limit: 0 }, {}],
    ["viewContrast.strength must be a number ≥ 0, got -1.", { ...shuffled, strength: -1 }, {}],
    [
      "viewContrast compares views with others, and reveal.evidence is false. Reveal them",
      shuffled,
      { reveal: { evidence: false, groundTruth: true } },
    ],
    [
      "viewContrast compares the rollouts of a prompt, and there is one. Raise rolloutsPerPrompt.",
      shuffled,
      { sampling: { ...settings.sampling, rolloutsPerPrompt: 1 } },
    ],
    [
      "trainer.createTrainer: shuffled views are those of another record of the step, and batchSize is 1. Raise batchSize",
      shuffled,
      { batchSize: 1 },
    ],
  ])("%s", async (message, viewContrast, changes) => {
    await expect(takeStep({ ...sampled, viewContrast }, changes)).rejects.toThrow(message);
  });

  test("a record with views among others without any finds none to stand in", async () => {
    const data = {
      ...examples,
      load: async (index: number) => ({ ...(await load(index)), ...(index > 0 && { views: [] }) }),
    };
    const step = takeStep({ ...sampled, viewContrast: shuffled }, { missingPrivilege: "reduce" }, data);
    await expect(step).rejects.toThrow(
      "no other record of the step has views that could stand in for those of record-0. Raise batchSize",
    );
  });

  test.each([
    ["right", 1],
    ["wrong", 4],
  ])("a signal stops between micro-batches while the %s views are scored", async (_views, stopAfter) => {
    const controller = new AbortController();
    const before = tf.memory().numTensors;
    let scored = 0;
    const onScored = () => {
      scored += 1;
      if (scored === stopAfter) controller.abort();
    };
    const watching = { signal: controller.signal, onScored };
    const step = takeStep({ ...sampled, viewContrast: shuffled }, { microBatchSize: 3 }, examples, watching);
    await expect(step).rejects.toMatchObject({ code: "aborted" });
    expect(scored).toBe(stopAfter);
    expect(tf.memory().numTensors).toBe(before);
  });

  test("records without views are left as they are, and lend none", async () => {
    const data = {
      ...examples,
      load: async (index: number) => ({ ...(await load(index)), ...(index === 0 && { views: [] }) }),
    };
    const { calls, rollouts } = await takeStep(
      { ...sampled, viewContrast: shuffled },
      { missingPrivilege: "reduce" },
      data,
    );
    const shown = new Map(calls[1]!.sequences.map(({ prompt }, i) => [rollouts[i]!.recordId, prompt.patches[1]?.key]));
    expect(shown).toEqual(
      new Map([
        ...rollouts.map(({ recordId }) => [recordId, undefined] as [string, string | undefined]),
        ["record-1", keyOf(viewOf(2))],
        ["record-2", keyOf(viewOf(1))],
      ]),
    );
  });
});
