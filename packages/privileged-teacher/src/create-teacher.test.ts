import "@tensorflow/tfjs-backend-cpu";
import type { Policy, ScoredSequence } from "@imagine-opd/protocol/policy";
import { createToyPolicy, toyPrompt } from "@imagine-opd/test-kit";
import * as tf from "@tensorflow/tfjs-core";
import { afterEach, beforeAll, beforeEach, describe, expect, expectTypeOf, test } from "vitest";
import { createTeacher } from "./create-teacher.ts";
import type { EntropyScores, SampledScores, StateScores, Teacher, TopKScores } from "./teacher.ts";
import type { TeacherKind } from "./teacher-kind.ts";

const snapshot: TeacherKind = { kind: "frozen", from: "snapshot" };
const sequences: ScoredSequence[] = [
  { prompt: toyPrompt([1, 2, 3], [0.2, 0.4]), completion: Int32Array.of(4, 5) },
  { prompt: toyPrompt([6]), completion: Int32Array.of(7) },
];
const sampled = { want: "sampled" } as const;

/** Raw log-probs of the completions in float64, from states and logits. */
function expectedLogProbs(policy: Policy, temperature = 1, banned: readonly number[] = []): number[] {
  return tf.tidy(() => {
    const rows = policy.head.logits(policy.completionStates(sequences)).arraySync();
    const tokens = sequences.flatMap(({ completion }) => [...completion]);
    return rows.map((row, i) => {
      const scaled = row.map((value, id) => (banned.includes(id) ? Number.NEGATIVE_INFINITY : value / temperature));
      return scaled[tokens[i]!]! - Math.log(scaled.reduce((sum, value) => sum + Math.exp(value), 0));
    });
  });
}

/** What an optimiser step does: new values for every trainable weight. */
function update(policy: Policy): void {
  for (const variable of Object.values(policy.trainable)) {
    const next = tf.tidy(() => tf.add(tf.mul(variable, 0.5), 0.1));
    variable.assign(next as tf.Tensor);
    next.dispose();
  }
}

let policy: Policy;
let before: number;
beforeAll(async () => {
  await tf.setBackend("cpu");
});
beforeEach(() => {
  policy = createToyPolicy({ vocabSize: 11, seed: 1 });
  before = tf.memory().numTensors;
});
afterEach(() => {
  expect(tf.memory().numTensors).toBe(before); // every test disposes what it makes
  policy.dispose();
});

describe("score", () => {
  test("gives the policy's log-probs, one a completion token", async () => {
    const teacher = createTeacher(policy, snapshot);
    const { logProbs, entropy, lengths } = await teacher.score(sequences, sampled);
    expect(lengths).toEqual(Int32Array.of(2, 1));
    expect(entropy).toHaveLength(3);
    expectedLogProbs(policy).forEach((value, i) => {
      expect(logProbs[i]).toBeCloseTo(value, 5);
    });
    teacher.dispose();
  });

  test("takes the temperature and banned ids, and chunks change nothing", async () => {
    const teacher = createTeacher(policy, { kind: "live" }, { chunkRows: 1 });
    const { logProbs } = await teacher.score(sequences, { ...sampled, temperature: 2, banned: Int32Array.of(0, 9) });
    expectedLogProbs(policy, 2, [0, 9]).forEach((value, i) => {
      expect(logProbs[i]).toBeCloseTo(value, 5);
    });
    teacher.dispose();
  });

  test("states give the same logits as the policy's own", async () => {
    const teacher = createTeacher(policy, snapshot);
    const { states, lengths } = await teacher.score(sequences, { want: "states" });
    const own = policy.completionStates(sequences);
    expect(states.shape).toEqual([3, 8]);
    expect(states.dataSync()).toEqual(own.dataSync());
    expect(lengths).toEqual(Int32Array.of(2, 1));
    tf.dispose([states, own]);
    teacher.dispose();
  });

  test.each([[[]], [[{ prompt: toyPrompt([1]), completion: new Int32Array(0) }]]])(
    "refuses %j: no completion token",
    async (empty: ScoredSequence[]) => {
      const teacher = createTeacher(policy, { kind: "live" });
      await expect(teacher.score(empty, sampled)).rejects.toThrow(
        `privileged-teacher.score: expected at least one completion token, got none in ${empty.length} sequences.`,
      );
    },
  );

  test("frees its states when the head fails", async () => {
    const failing = () => {
      throw new Error("no head");
    };
    const broken: Policy = { ...policy, head: { ...policy.head, logits: failing } };
    await expect(createTeacher(broken, { kind: "live" }).score(sequences, sampled)).rejects.toThrow("no head");
  });
});

describe("kinds", () => {
  test("a frozen snapshot stays while the student changes", async () => {
    const teacher = createTeacher(policy, snapshot);
    const first = await teacher.score(sequences, sampled);
    update(policy);
    teacher.afterUpdate();
    const second = await teacher.score(sequences, sampled);
    expect(second.logProbs).toEqual(first.logProbs);
    expect(Math.abs(first.logProbs[0]! - expectedLogProbs(policy)[0]!)).toBeGreaterThan(1e-2);
    teacher.dispose();
  });

  test("a frozen snapshot stays even when weights are overwritten in place", async () => {
    const teacher = createTeacher(policy, snapshot);
    const first = await teacher.score(sequences, sampled);
    (policy.trainable.head!.dataSync() as Float32Array).fill(0); // the cpu backend hands out its own buffer
    const second = await teacher.score(sequences, sampled);
    expect(second.logProbs).toEqual(first.logProbs);
    teacher.dispose();
  });

  test("a live teacher follows the student", async () => {
    const teacher = createTeacher(policy, { kind: "live" });
    update(policy);
    teacher.afterUpdate();
    const { logProbs } = await teacher.score(sequences, sampled);
    expectedLogProbs(policy).forEach((value, i) => {
      expect(logProbs[i]).toBeCloseTo(value, 5);
    });
    teacher.dispose();
  });

  test("frozen from base asks the policy for its base view, which a policy without adapters refuses", async () => {
    const teacher = createTeacher(policy, { kind: "frozen", from: "base" });
    expect(teacher.weights).toEqual({ kind: "base" });
    await expect(teacher.score(sequences, sampled)).rejects.toThrow("without adapters");
    teacher.dispose();
  });

  test("reports its kind", () => {
    const teacher = createTeacher(policy, snapshot);
    expect(teacher.kind).toEqual({ kind: "frozen", from: "snapshot" });
    teacher.dispose();
  });
});

describe("state", () => {
  test("of a snapshot makes another teacher bit-equal", async () => {
    const teacher = createTeacher(policy, snapshot);
    const scores = await teacher.score(sequences, sampled);
    const state = await teacher.exportState();
    update(policy);
    const resumed = createTeacher(policy, snapshot);
    expect((await resumed.score(sequences, sampled)).logProbs).not.toEqual(scores.logProbs);
    resumed.importState(state);
    expect(await resumed.exportState()).toEqual(state);
    expect(await resumed.score(sequences, sampled)).toEqual(scores);
    teacher.dispose();
    resumed.dispose();
  });

  test("holds copies: writing into it changes no teacher", async () => {
    const teacher = createTeacher(policy, snapshot);
    const state = await teacher.exportState();
    teacher.importState(state);
    state.weights.head!.fill(0);
    expect((await teacher.exportState()).weights.head).toEqual(policy.trainable.head!.dataSync());
    teacher.dispose();
  });

  test("of a live teacher has no weights", async () => {
    const teacher = createTeacher(policy, { kind: "live" });
    const state = await teacher.exportState();
    expect(state).toEqual({ kind: { kind: "live" }, updates: 0, weights: {} });
    teacher.importState(state);
  });

  test.each<[string, TeacherKind, Record<string, Float32Array>, string]>([
    ["kind", { kind: "live" }, {}, 'the state is of a teacher "live", this one is "frozen from snapshot".'],
    [
      "weights",
      snapshot,
      { embed: new Float32Array(88), body: new Float32Array(1) },
      "missing: [head], unknown: [body].",
    ],
    [
      "sizes",
      snapshot,
      { embed: new Float32Array(88), head: new Float32Array(80) },
      'expected 88 values of "head", got 80.',
    ],
  ])("of other %s is refused", (_, kind, weights, message) => {
    const teacher = createTeacher(policy, snapshot);
    expect(() => teacher.importState({ kind, updates: 0, weights })).toThrow(message);
    teacher.dispose();
  });
});

test("a disposed teacher refuses everything but dispose", async () => {
  const teacher = createTeacher(policy, snapshot);
  const state = await teacher.exportState();
  teacher.dispose();
  teacher.dispose();
  const problem = "the teacher was used after dispose(). Make a new one with createTeacher.";
  await expect(teacher.score(sequences, sampled)).rejects.toThrow(`privileged-teacher.score: ${problem}`);
  await expect(teacher.exportState()).rejects.toThrow(`privileged-teacher.exportState: ${problem}`);
  expect(() => teacher.importState(state)).toThrow(`privileged-teacher.importState: ${problem}`);
  expect(() => teacher.afterUpdate()).toThrow(`privileged-teacher.afterUpdate: ${problem}`);
});

test("types: the answer follows from the question, and every kind states its parameters", () => {
  const ask = (teacher: Teacher) => ({
    sampled: teacher.score(sequences, { want: "sampled" }),
    entropy: teacher.score(sequences, { want: "entropy", temperature: 2 }),
    topK: teacher.score(sequences, { want: "top-k", k: 3 }),
    states: teacher.score(sequences, { want: "states" }),
  });
  type Answers = { [Key in keyof ReturnType<typeof ask>]: Awaited<ReturnType<typeof ask>[Key]> };
  expectTypeOf<Answers>().toEqualTypeOf<{
    sampled: SampledScores;
    entropy: EntropyScores;
    topK: TopKScores;
    states: StateScores;
  }>();
  // @ts-expect-error top-k needs k
  const withoutK = (teacher: Teacher) => teacher.score(sequences, { want: "top-k" });
  // @ts-expect-error what is averaged has no default
  const unsaid: TeacherKind = { kind: "ema", rate: 0.05 };
  expect([withoutK, unsaid]).toHaveLength(2);
});
