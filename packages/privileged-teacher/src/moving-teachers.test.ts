import "@tensorflow/tfjs-backend-cpu";
import type { Policy, ScoredSequence } from "@imagine-opd/protocol/policy";
import { createToyPolicy, toyPrompt } from "@imagine-opd/test-kit";
import * as tf from "@tensorflow/tfjs-core";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createTeacher } from "./create-teacher.ts";
import type { Teacher } from "./teacher.ts";
import { nameKind, type TeacherKind } from "./teacher-kind.ts";

const sequences: ScoredSequence[] = [
  { prompt: toyPrompt([1, 2, 3], [0.2, 0.4]), completion: Int32Array.of(4, 5) },
  { prompt: toyPrompt([6]), completion: Int32Array.of(7) },
];
const sampled = { want: "sampled" } as const;
const ema = (rate: number): TeacherKind => ({ kind: "ema", rate, average: "weights" });
const periodic = (everySteps: number): TeacherKind => ({ kind: "periodic", everySteps });

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

const weightsOf = (of: Policy) => Object.values(of.trainable).map((variable) => [...variable.dataSync()]);
const ownWeights = async (teacher: Teacher) =>
  Object.values((await teacher.exportState()).weights).map((values) => [...values]);

/** An optimiser step: every weight moves, differently each time. */
function update(step: number): void {
  for (const variable of Object.values(policy.trainable)) {
    const next = tf.tidy(() => tf.add(tf.mul(variable, 0.8), 0.05 * step));
    variable.assign(next as tf.Tensor);
    next.dispose();
  }
}

async function takeSteps(teacher: Teacher, count: number, from = 1): Promise<void> {
  for (let step = from; step < from + count; step++) {
    update(step);
    teacher.afterUpdate();
  }
}

describe("ema", () => {
  test("rate 0 is frozen, rate 1 is a copy, both bit for bit", async () => {
    const [frozen, copy] = [createTeacher(policy, ema(0)), createTeacher(policy, ema(1))];
    const initial = weightsOf(policy);
    for (let step = 1; step <= 3; step++) {
      update(step);
      frozen.afterUpdate();
      copy.afterUpdate();
    }
    expect(await ownWeights(frozen)).toEqual(initial);
    expect(await ownWeights(copy)).toEqual(weightsOf(policy));
    expect(await copy.distanceToStudent()).toBe(0);
    frozen.dispose();
    copy.dispose();
  });

  test("the first update averages already: φ₁ = (1 − r)·θ₀ + r·θ₁", async () => {
    const teacher = createTeacher(policy, ema(0.05));
    const initial = weightsOf(policy);
    await takeSteps(teacher, 1);
    const now = weightsOf(policy);
    (await ownWeights(teacher)).forEach((values, w) => {
      values.forEach((value, i) => {
        expect(value).toBeCloseTo(0.95 * initial[w]![i]! + 0.05 * now[w]![i]!, 6);
      });
    });
    teacher.dispose();
  });

  test("with a student that stands still the distance falls by 1 − r a step", async () => {
    const teacher = createTeacher(policy, ema(0.1));
    const initial = weightsOf(policy).flat();
    update(1);
    const start = (await teacher.distanceToStudent())!;
    const moved = weightsOf(policy).flat();
    expect(start).toBeCloseTo(Math.hypot(...initial.map((value, i) => value - moved[i]!)), 4);
    for (let step = 0; step < 20; step++) teacher.afterUpdate();
    expect((await teacher.distanceToStudent())! / start).toBeCloseTo(0.9 ** 20, 5);
    teacher.dispose();
  });

  test("scores are those of the averaged weights", async () => {
    const teacher = createTeacher(policy, ema(0.3));
    await takeSteps(teacher, 4);
    const state = await teacher.exportState();
    const { logProbs } = await teacher.score(sequences, sampled);
    const expected = tf.tidy(() => {
      const trainable = Object.fromEntries(
        Object.entries(state.weights).map(([name, values]) => [name, tf.tensor(values, policy.trainable[name]!.shape)]),
      );
      const weights = { kind: "replaced", trainable } as const;
      const states = policy.completionStates(sequences, { weights });
      return tf.logSoftmax(policy.head.logits(states, { weights })).arraySync() as number[][];
    });
    [4, 5, 7].forEach((id, i) => {
      expect(logProbs[i]).toBeCloseTo(expected[i]![id]!, 5);
    });
    teacher.dispose();
  });
});

test("a periodic teacher copies after every N-th step and stays in between", async () => {
  const teacher = createTeacher(policy, periodic(3));
  let copied = weightsOf(policy);
  for (let step = 1; step <= 7; step++) {
    await takeSteps(teacher, 1, step);
    if (step % 3 === 0) copied = weightsOf(policy);
    expect(await ownWeights(teacher)).toEqual(copied);
  }
  teacher.dispose();
});

describe.each([ema(0.05), periodic(3)])("%j", (kind) => {
  test("a run that is killed and resumed has a bit-equal teacher", async () => {
    const whole = createTeacher(policy, kind);
    await takeSteps(whole, 4);
    const state = await whole.exportState();
    const student = weightsOf(policy);
    await takeSteps(whole, 4, 5);
    const [end, endScores] = [await whole.exportState(), await whole.score(sequences, sampled)];
    whole.dispose();

    Object.values(policy.trainable).forEach((variable, i) => {
      tf.tidy(() => variable.assign(tf.tensor(student[i]!, variable.shape)));
    });
    const resumed = createTeacher(policy, kind);
    resumed.importState(structuredClone(state));
    await takeSteps(resumed, 4, 5);
    expect(await resumed.exportState()).toEqual(end);
    expect(end.updates).toBe(8);
    expect(await resumed.score(sequences, sampled)).toEqual(endScores);
    resumed.dispose();
  });

  test("50 updates leave no tensor behind", async () => {
    const teacher = createTeacher(policy, kind);
    const held = tf.memory().numTensors;
    await takeSteps(teacher, 50);
    await teacher.distanceToStudent();
    expect(tf.memory().numTensors).toBe(held);
    teacher.dispose();
  });

  test("a state of another rate or period is refused", async () => {
    const teacher = createTeacher(policy, kind);
    const state = await teacher.exportState();
    const other: TeacherKind = kind.kind === "ema" ? ema(0.5) : periodic(4);
    expect(() => teacher.importState({ ...state, kind: other })).toThrow(
      `the state is of a teacher "${nameKind(other)}", this one is "${nameKind(kind)}".`,
    );
    expect(() => teacher.importState({ ...state, updates: undefined as unknown as number })).toThrow(
      "`updates` must be the number of optimiser steps, got undefined.",
    );
    teacher.dispose();
  });
});

describe("trust-region", () => {
  const kind: TeacherKind = { kind: "trust-region", studentShare: 0.25, reference: "snapshot" };

  /** Logits of (1 − c)·reference + c·student in float64. */
  async function mixedLogits(reference: Teacher): Promise<number[][]> {
    return tf.tidy(() => {
      const logits = (weights: Teacher["weights"]) =>
        policy.head.logits(policy.completionStates(sequences, { weights }), { weights }).arraySync();
      const [old, now] = [logits(reference.weights), logits({ kind: "student" })];
      return old.map((row, i) => row.map((value, id) => 0.75 * value + 0.25 * now[i]![id]!));
    });
  }
  const logSoftmax = (row: readonly number[]) => {
    const logSum = Math.log(row.reduce((sum, value) => sum + Math.exp(value), 0));
    return row.map((value) => value - logSum);
  };

  test("sampled scores, top-k and states are those of the mixed logits", async () => {
    const reference = createTeacher(policy, { kind: "frozen", from: "snapshot" });
    const teacher = createTeacher(policy, kind, { chunkRows: 2 });
    update(1);
    teacher.afterUpdate();
    const expected = await mixedLogits(reference);
    const { logProbs } = await teacher.score(sequences, sampled);
    [4, 5, 7].forEach((id, i) => {
      expect(logProbs[i]).toBeCloseTo(logSoftmax(expected[i]!)[id]!, 5);
    });
    const { ids, logProbs: top } = await teacher.score(sequences, { want: "top-k", k: 1 });
    expected.forEach((row, i) => {
      expect(ids[i]).toBe(row.indexOf(Math.max(...row)));
      expect(top[i]).toBeCloseTo(Math.max(...logSoftmax(row)), 5);
    });
    const { states, head, weights, lengths } = await teacher.score(sequences, { want: "states" });
    expect(lengths).toEqual(Int32Array.of(2, 1));
    const slice = head.logits(states, { weights, from: 3, to: 8 });
    slice.arraySync().forEach((row, i) => {
      row.forEach((value, j) => {
        expect(value).toBeCloseTo(expected[i]![3 + j]!, 5);
      });
    });
    expect(() => head.backward(states, slice)).toThrow("the head of a trust-region teacher has no gradient.");
    tf.dispose([states, slice]);
    teacher.dispose();
    reference.dispose();
  });

  test("share 0 is the frozen reference, share 1 the live student", async () => {
    const frozen = createTeacher(policy, { kind: "frozen", from: "snapshot" });
    const [none, all] = [0, 1].map((studentShare) => createTeacher(policy, { ...kind, studentShare }));
    update(1);
    const live = createTeacher(policy, { kind: "live" });
    expect((await none!.score(sequences, sampled)).logProbs).toEqual((await frozen.score(sequences, sampled)).logProbs);
    expect((await all!.score(sequences, sampled)).logProbs).toEqual((await live.score(sequences, sampled)).logProbs);
    expect(await live.distanceToStudent()).toBe(0);
    for (const teacher of [frozen, none!, all!]) teacher.dispose();
  });

  test("frees what it made when the student's pass fails", async () => {
    let calls = 0;
    const broken: Policy = {
      ...policy,
      completionStates: (given, options) => {
        if (++calls === 2) throw new Error("no body");
        return policy.completionStates(given, options);
      },
    };
    const teacher = createTeacher(broken, kind);
    await expect(teacher.score(sequences, sampled)).rejects.toThrow("no body");
    teacher.dispose();
  });
});

test.each<[string, TeacherKind]>([
  ["`rate` must be from 0 to 1, got 1.5.", ema(1.5)],
  ["`average` must be weights or deltas, got factors.", { kind: "ema", rate: 0.1, average: "factors" as "deltas" }],
  ["`everySteps` must be an integer ≥ 1, got 0.", periodic(0)],
  [
    "`studentShare` must be from 0 to 1, got NaN.",
    { kind: "trust-region", studentShare: Number.NaN, reference: "base" },
  ],
  ["`from` must be snapshot or base, got hub.", { kind: "frozen", from: "hub" as "base" }],
  ['`kind` must be frozen, live, ema, periodic or trust-region, got {"kind":"best"}.', { kind: "best" } as never],
])("refused: %s", (message, kind) => {
  expect(() => createTeacher(policy, kind)).toThrow(`privileged-teacher.createTeacher: ${message}`);
});
